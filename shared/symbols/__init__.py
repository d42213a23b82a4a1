"""Option contracts from FYERS's symbol masters: snapshots, reader and ports."""

from shared.symbols.chain import Chain, Expiry, choose_strike
from shared.symbols.finder import VOUCHED, Symbols
from shared.symbols.master import Built, build
from shared.symbols.ports import SourceBroken, SymbolSource, SymbolStore
from shared.symbols.refreshing import LATE, refresh
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary
from shared.symbols.underlyings import EXCHANGES, underlying_symbol

__all__ = [
    "EXCHANGES",
    "LATE",
    "VOUCHED",
    "Built",
    "Chain",
    "Expiry",
    "Snapshot",
    "SnapshotRefused",
    "SourceBroken",
    "Summary",
    "SymbolSource",
    "SymbolStore",
    "Symbols",
    "build",
    "choose_strike",
    "refresh",
    "underlying_symbol",
]
