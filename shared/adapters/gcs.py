"""Token and symbol snapshot as objects in one Cloud Storage bucket.

Content and generation come from the same download, so a conditional write names what
was read. Every exchange, the credentials' refresh included, ends with the deadline: the
client's sessions are given the bounded adapter. No call is retried here.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from shared.adapters import token_codec
from shared.adapters.deadline_http import DeadlineAdapter, session, until
from shared.errors import Conflict, Damaged, Doubtful
from shared.models import Deadline, Token
from shared.tokens import StoredToken

_FAILURES = (
    exceptions.GoogleAPIError,
    GoogleAuthError,
    InvalidResponse,
    DataCorruption,
    OSError,  # what `requests` raises is one
)


class GcsTokens:
    """A TokenStore on one object."""

    def __init__(self, project: str, bucket: str, name: str) -> None:
        self._object = _Object(project, bucket, name)

    def read(self, deadline: Deadline) -> StoredToken | None:
        """Download the token; see the port."""
        found = self._object.read(deadline)
        if found is None:
            return None
        text, generation = found
        try:
            return StoredToken(token_codec.loads(text), generation)
        except token_codec.NotAToken as error:
            raise Damaged(str(error), generation) from error

    def write(self, token: Token, generation: int, deadline: Deadline) -> int:
        """Upload over that generation (`if_generation_match`); see the port."""
        text = token_codec.dumps(token)
        return self._object.write(text, "application/json", generation, deadline)


class GcsSymbols:
    """A SymbolStore on one object; an upload replaces it as a whole."""

    def __init__(self, project: str, bucket: str, name: str) -> None:
        self._object = _Object(project, bucket, name)

    def read(self, deadline: Deadline) -> bytes | None:
        """Download the snapshot; see the port."""
        found = self._object.read(deadline)
        return found[0] if found else None

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        """Upload the snapshot; see the port."""
        self._object.write(snapshot, "application/zip", None, deadline)


class _Object:
    """One object; its client is made by the first call."""

    def __init__(self, project: str, bucket: str, name: str) -> None:
        self._project = project
        self._bucket = bucket
        self._name = name
        self._lock = threading.Lock()
        self._made: Client | None = None

    def read(self, deadline: Deadline) -> tuple[bytes, int] | None:
        with self._blob(deadline) as blob:
            try:
                content = blob.download_as_bytes(retry=None, timeout=deadline.left())
            except exceptions.NotFound:
                return None
            if blob.generation is None:
                raise Doubtful(f"{self._name}: the answer names no generation")
            return content, int(blob.generation)

    def write(
        self, content: bytes, kind: str, generation: int | None, deadline: Deadline
    ) -> int:
        with self._blob(deadline) as blob:
            try:
                blob.upload_from_string(
                    content,
                    content_type=kind,
                    if_generation_match=generation,
                    retry=None,
                    timeout=deadline.left(),
                )
            except exceptions.PreconditionFailed as error:
                raise Conflict(f"{self._name} has another generation") from error
            return int(blob.generation)

    @contextlib.contextmanager
    def _blob(self, deadline: Deadline) -> Iterator[Blob]:
        if not deadline.left():
            raise Doubtful(f"no time left for {self._name}")
        try:
            with until(deadline):
                yield self._client().bucket(self._bucket).blob(self._name)
        except _FAILURES as error:
            # Without its text, which may quote what was sent.
            raise Doubtful(f"{self._name}: {type(error).__name__}") from error

    def _client(self) -> Client:
        with self._lock:
            if self._made is None:
                # The first client only decides about credentials and endpoint.
                found = Client(project=self._project)
                http = _session(found)
                self._made = Client(
                    project=self._project, credentials=found._credentials, _http=http
                )
            return self._made


def _session(client: Client) -> AuthorizedSession:
    """Return an authorized session whose own refreshes are bounded as well."""
    refresh = Request(session())
    http = AuthorizedSession(client._credentials, auth_request=refresh)  # type: ignore[no-untyped-call]  # google.auth is half typed
    http.trust_env = False
    http.mount("https://", DeadlineAdapter())
    http.mount("http://", DeadlineAdapter())
    return http
