"""What the symbols need from outside: the master's lines and a place to keep them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from shared.errors import Unusable
from shared.models import Deadline


class SourceBroken(Unusable):
    """The master could not be downloaded whole; the old snapshot stays."""


class SymbolSource(Protocol):
    """Where the master comes from."""

    def lines(self) -> Iterator[str]:
        """Yield the master's lines; raise `SourceBroken` unless it came whole."""


class SymbolStore(Protocol):
    """Where the snapshot lives (GCS object or file). Raises `Doubtful`."""

    def read(self, deadline: Deadline) -> bytes | None:
        """Return the snapshot, or None where there is none."""

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        """Replace the snapshot as a whole: readers see the old one or the new."""
