"""A symbol store in memory."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Doubtful
from shared.models import Deadline


@dataclass
class MemorySymbols:
    """A SymbolStore; `doubt` makes it fall silent."""

    snapshot: bytes | None = None
    doubt: bool = False
    reads: int = 0
    writes: int = 0

    def read(self, deadline: Deadline) -> bytes | None:
        """Return the snapshot."""
        self.reads += 1
        if self.doubt or not deadline.left():
            raise Doubtful("silent")
        return self.snapshot

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        """Replace the snapshot."""
        self.writes += 1
        if self.doubt or not deadline.left():
            raise Doubtful("silent")
        self.snapshot = snapshot
