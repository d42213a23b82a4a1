"""Option contracts from FYERS's symbol master: the snapshot, its reader, its ports."""

from shared.symbols.chain import Chain
from shared.symbols.finder import Symbols, refresh
from shared.symbols.master import Built, build
from shared.symbols.ports import SourceBroken, SymbolSource, SymbolStore
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary

__all__ = [
    "Built",
    "Chain",
    "Snapshot",
    "SnapshotRefused",
    "SourceBroken",
    "Summary",
    "SymbolSource",
    "SymbolStore",
    "Symbols",
    "build",
    "refresh",
]
