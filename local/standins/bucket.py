"""A small Cloud Storage JSON API: the calls our adapter makes, preconditions included.

The emulator on PyPI ignores `ifGenerationMatch`, which the token's compare-and-set
rests on; Google's rule is: 412 unless the stored generation is the named one, 0 meaning
that there must be none.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c


@dataclass
class Script:
    """What the next requests meet, first come first served."""

    statuses: list[int] = field(default_factory=list)
    """Answered instead of serving; nothing is applied."""
    lost: int = 0
    """Requests that are applied, their answers cut off."""
    hang: int = 0
    """Requests that get no answer until the server ends."""
    corrupt: int = 0
    """Downloads whose content is not what its checksum says."""
    unnamed: int = 0
    """Downloads that do not say which generation they bring."""


class Bucket:
    """Serves on a free port; `objects` maps (bucket, name) to (content, generation)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], tuple[bytes, int]] = {}
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        """What each request says of who asks, empty where nothing."""
        self.script = Script()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self._writes = 1_700_000_000_000_000
        outer = self

        class Handler(_Handler):
            gcs = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Return what STORAGE_EMULATOR_HOST says."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving; what hangs ends."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, place: tuple[str, str], content: bytes, wanted: str | None) -> int:
        """Store content; return its generation, or 0 where the precondition fails."""
        with self.lock:
            current = self.objects.get(place, (b"", 0))[1]
            if wanted is not None and int(wanted) != current:
                return 0
            self._writes += 1
            self.objects[place] = content, self._writes
            return self._writes


class _Handler(BaseHTTPRequestHandler):
    gcs: Bucket
    protocol_version = "HTTP/1.1"
    # Else a body waits 40 ms for the acknowledgement of its head.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self._disturbed():
            return
        path, _, name = unquote(urlsplit(self.path).path).partition("/o/")
        found = self.gcs.objects.get((path.rpartition("/")[2], name))
        if found is None:
            self._error(404, "No such object")
            return
        content, generation = found
        checksum = base64.b64encode(google_crc32c.value(content).to_bytes(4)).decode()
        if self.gcs.script.corrupt:
            self.gcs.script.corrupt -= 1
            content = content[:-1] + b"?"
        headers = {"X-Goog-Hash": f"crc32c={checksum}"}
        if self.gcs.script.unnamed:
            self.gcs.script.unnamed -= 1
        else:
            headers["X-Goog-Generation"] = str(generation)
        self._answer(200, content, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._disturbed():
            return
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"')
        _, described, media, _ = body.split(b"--" + boundary.encode())
        name = json.loads(described.partition(b"\r\n\r\n")[2])["name"]
        content = media.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        bucket = address.path.removesuffix("/o").rpartition("/")[2]
        generation = self.gcs.put(
            (bucket, name), content, query.get("ifGenerationMatch", [None])[0]
        )
        if self.gcs.script.lost:
            self.gcs.script.lost -= 1
            self.close_connection = True
            return
        if not generation:
            self._error(412, "At least one of the pre-conditions did not hold")
            return
        reply = {"bucket": bucket, "name": name, "generation": str(generation)}
        self._answer(200, json.dumps(reply).encode(), {})

    def _disturbed(self) -> bool:
        """Note the request; return whether the script answered it."""
        self.gcs.requests.append(f"{self.command} {self.path}")
        self.gcs.authorizations.append(self.headers.get("Authorization", ""))
        script = self.gcs.script
        if script.hang:
            script.hang -= 1
            self.gcs.over.wait(10)
            self.close_connection = True
            return True
        if script.statuses:
            self._error(script.statuses.pop(0), "scripted")
            return True
        return False

    def _error(self, status: int, message: str) -> None:
        reply = {"error": {"code": status, "message": message}}
        self._answer(status, json.dumps(reply).encode(), {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""
