"""What both backends keep: small documents, written several at once or not at all.

A document is found by collection and key, or by one of the fields in `SEARCHED`. Each
write names the version it must meet, so nothing is ever overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from shared.models import Deadline

Plain = str | int | bool | datetime | None | Sequence["Plain"] | Mapping[str, "Plain"]
"""What a field may hold: maps and lists nest, though Firestore takes no list directly
in a list; instants are aware.

A store of text gives an instant back as ISO 8601 text of UTC, to the microsecond.
"""

SEARCHED = ("watched_at", "ledger", "day")
"""The fields `find` may be asked for; embedded, each has its index."""


class Document(NamedTuple):
    """A document as read, with the version a write over it must name."""

    key: str
    fields: Mapping[str, Plain]
    version: str


class Unread(Mapping[str, Plain]):
    """Fields in the store's own form, read when first asked for.

    Of the documents a query finds, most are known by their version already.
    """

    def __init__(self, read: Callable[[], Mapping[str, Plain]]) -> None:
        self._read = read
        self._fields: Mapping[str, Plain] | None = None

    def _all(self) -> Mapping[str, Plain]:
        if self._fields is None:
            self._fields = self._read()
        return self._fields

    def __getitem__(self, name: str) -> Plain:
        """Return one field."""
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._all())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all())

    def get(self, name: str, default: Any = None) -> Any:
        """Return one field, or `default`."""
        return self._all().get(name, default)


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a commit; a document is always replaced as a whole."""

    collection: str
    key: str
    fields: Mapping[str, Plain] | None
    """None deletes the document."""
    version: str | None
    """The version it must still have; None: it must not exist yet."""

    def __post_init__(self) -> None:
        if self.fields is None and self.version is None:
            raise ValueError("a delete names the version it ends")


class Documents(Protocol):
    """Where documents live. Every call raises `Doubtful` where no answer is usable."""

    def get(self, collection: str, key: str, deadline: Deadline) -> Document | None:
        """Return the document, expired or not; None where there is none."""

    def commit(self, writes: Sequence[Write], deadline: Deadline) -> tuple[str, ...]:
        """Apply all writes or none; return the new versions, '' for a delete.

        Each write is of a document of its own. Raises `AlreadyExists` where every write
        makes a new document and one is there; `Conflict` where one of them meets
        another version than it names, or none. Neither was applied; what is `Doubtful`
        may have been, or may be later.
        """

    def find(
        self,
        collection: str,
        field: str,
        equals: str | None,
        limit: int | None,
        deadline: Deadline,
    ) -> tuple[Document, ...]:
        """Return the documents whose `field`, of `SEARCHED`, is `equals`.

        With None, those that have the field at all, ordered by it. At most `limit`;
        None: all.
        """

    def warm(self, deadline: Deadline) -> None:
        """Open what the first call needs."""
