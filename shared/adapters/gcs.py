"""Token and symbol snapshot as objects in one Cloud Storage bucket.

Content and generation come from the same download, so a conditional write names what
was read. Every exchange, the credentials' refresh included, ends with the deadline. No
call is retried here. Reading is one GET and does without Google's client, whose imports
take as long as a bare function takes to start; that client writes.
"""

from __future__ import annotations

import contextlib
import threading
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from shared.adapters import token_codec
from shared.adapters.deadline_http import pool, time_left, until
from shared.adapters.google_credentials import Credentials
from shared.errors import Conflict, Damaged, Doubtful
from shared.models import Deadline, Token
from shared.tokens import StoredToken

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud.storage import Blob, Client

STORAGE = "https://storage.googleapis.com"
_ONCE = Retry(0, read=False)


class _InBucket:
    """One object of the bucket at an address; see `_Object`."""

    def __init__(
        self,
        project: str,
        bucket: str,
        name: str,
        address: str,
        credentials: Credentials | None,
    ) -> None:
        self._object = _Object(project, bucket, name, address, credentials)


class GcsTokens(_InBucket):
    """A TokenStore on one object."""

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


class GcsSymbols(_InBucket):
    """A SymbolStore on one object; an upload replaces it as a whole."""

    def read(self, deadline: Deadline) -> bytes | None:
        """Download the snapshot; see the port."""
        found = self._object.read(deadline)
        return found[0] if found else None

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        """Upload the snapshot; see the port."""
        self._object.write(snapshot, "application/zip", None, deadline)


class _Object:
    """One object; the client that writes it is made by the first write.

    `credentials` is None for a stand-in, which lets in everybody.
    """

    def __init__(
        self,
        project: str,
        bucket: str,
        name: str,
        address: str,
        credentials: Credentials | None,
    ) -> None:
        self._project = project
        self._bucket = bucket
        self._name = name
        self._credentials = credentials
        self._path = f"/download/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        self._pool = pool(address, 1)
        self._lock = threading.Lock()
        self._made: Client | None = None

    def read(self, deadline: Deadline) -> tuple[bytes, int] | None:
        reply = self._get(deadline)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise Doubtful(f"{self._name}: HTTP {reply.status}")
        if not _whole(reply):
            raise Doubtful(f"{self._name}: the content is not what was stored")
        generation = reply.headers.get("X-Goog-Generation")
        if generation is None:
            raise Doubtful(f"{self._name}: the answer names no generation")
        return reply.data, int(generation)

    def _get(self, deadline: Deadline) -> BaseHTTPResponse:
        if not deadline.left():
            raise Doubtful(f"no time left for {self._name}")
        headers = {}
        if self._credentials is not None:
            headers["Authorization"] = self._credentials.bearer(deadline)
        try:
            with until(deadline):
                return self._pool.urlopen(
                    "GET",
                    f"{self._path}?alt=media",
                    headers=headers,
                    retries=_ONCE,
                    redirect=False,
                    timeout=time_left(),
                )
        except (HTTPError, OSError) as error:
            # Without its text, which may quote what was sent.
            raise Doubtful(f"{self._name}: {type(error).__name__}") from None

    def write(
        self, content: bytes, kind: str, generation: int | None, deadline: Deadline
    ) -> int:
        from google.api_core import exceptions

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
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

        if not deadline.left():
            raise Doubtful(f"no time left for {self._name}")
        try:
            with until(deadline):
                yield self._client().bucket(self._bucket).blob(self._name)
        except (
            GoogleAPIError,
            GoogleAuthError,
            InvalidResponse,
            DataCorruption,
            OSError,  # what `requests` raises is one
        ) as error:
            # Without its text, which may quote what was sent.
            raise Doubtful(f"{self._name}: {type(error).__name__}") from error

    def _client(self) -> Client:
        from google.cloud.storage import Client

        with self._lock:
            if self._made is None:
                # The first client only decides about credentials and endpoint.
                found = Client(project=self._project)
                http = _session(found)
                self._made = Client(
                    project=self._project, credentials=found._credentials, _http=http
                )
            return self._made


def _whole(reply: BaseHTTPResponse) -> bool:
    """Return whether the content has the checksum that the answer names, if any."""
    import google_crc32c

    wanted = b64encode(google_crc32c.value(reply.data).to_bytes(4)).decode()
    said = reply.headers.get("X-Goog-Hash", "").replace(",", " ").split()
    named = [part.partition("=")[2] for part in said if part.startswith("crc32c=")]
    return named in ([], [wanted])


def _session(client: Client) -> AuthorizedSession:
    """Return an authorized session whose own refreshes are bounded as well."""
    from google.auth.transport.requests import AuthorizedSession, Request

    from shared.adapters.deadline_http import DeadlineAdapter, session

    refresh = Request(session())
    http = AuthorizedSession(client._credentials, auth_request=refresh)  # type: ignore[no-untyped-call]  # google.auth is half typed
    http.trust_env = False
    http.mount("https://", DeadlineAdapter())
    http.mount("http://", DeadlineAdapter())
    return http
