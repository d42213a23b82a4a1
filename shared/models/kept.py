"""One value of its own in the store, such as what the guard has told."""

from __future__ import annotations

from typing import Protocol, TypeVar

from shared.models.basics import Deadline

_T = TypeVar("_T")


class Kept(Protocol[_T]):
    """A value that is read, and written only over the version that was read."""

    def read(self, deadline: Deadline) -> tuple[_T | None, str | None]:
        """Return the value and its version, None for both where there is none.

        Raises `Doubtful`.
        """

    def write(self, value: _T, version: str | None, deadline: Deadline) -> str:
        """Write over exactly that version (None: nothing is there); return the new one.

        Raises `Conflict` (not applied) or `Doubtful` (it may have been).
        """

    def delete(self, version: str, deadline: Deadline) -> None:
        """Delete exactly that version; raise `Conflict`, `Doubtful`."""
