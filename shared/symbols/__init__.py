"""Option contracts from FYERS's symbol masters: snapshots, reader and ports.

What makes a snapshot is in `master` and `refreshing`, which no alert imports.
"""

from shared.symbols.chain import Chain, Expiry, choose_strike
from shared.symbols.finder import VOUCHED, Symbols
from shared.symbols.ports import SourceBroken, SymbolSource, SymbolStore
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary
from shared.symbols.underlyings import EXCHANGES, underlying_symbol

__all__ = [
    "EXCHANGES",
    "VOUCHED",
    "Chain",
    "Expiry",
    "Snapshot",
    "SnapshotRefused",
    "SourceBroken",
    "Summary",
    "SymbolSource",
    "SymbolStore",
    "Symbols",
    "choose_strike",
    "underlying_symbol",
]
