"""One document of its own as a value."""

from __future__ import annotations

from typing import Generic, TypeVar

from shared.adapters import record_codec
from shared.adapters.documents import Documents, Write
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.models import Deadline

_T = TypeVar("_T")


class KeptDocument(Generic[_T]):
    """A Kept value: one document, a frozen dataclass of type `kind`."""

    def __init__(
        self, documents: Documents, collection: str, key: str, kind: type[_T]
    ) -> None:
        self._documents = documents
        self._collection = collection
        self._key = key
        self._kind = kind

    def read(self, deadline: Deadline) -> tuple[_T | None, str | None]:
        """Get the document; see the port."""
        found = self._documents.get(self._collection, self._key, deadline)
        if found is None:
            return None, None
        try:
            return record_codec.decode(self._kind, found.fields), found.version
        except record_codec.NotARecord as error:
            raise Doubtful(f"{self._collection}/{self._key}: {error}") from error

    def write(self, value: _T, version: str | None, deadline: Deadline) -> str:
        """Replace the document; see the port."""
        fields = record_codec.encode(value)
        write = Write(self._collection, self._key, fields, version)
        try:
            return self._documents.commit((write,), deadline)[0]
        except AlreadyExists as error:
            raise Conflict(str(error)) from error

    def delete(self, version: str, deadline: Deadline) -> None:
        """Delete the document; see the port."""
        write = Write(self._collection, self._key, None, version)
        self._documents.commit((write,), deadline)
