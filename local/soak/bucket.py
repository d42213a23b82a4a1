"""A Cloud Storage bucket for two instances: downloads, uploads, generations.

Google's rule: an upload that names a generation is 412 unless the stored one is that
very generation, 0 meaning that there must be none.
"""

from __future__ import annotations

import contextlib
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import unquote

import google_crc32c

from simulator.listener import Listener, Outcome
from simulator.wire import Reply, Request

_FIRST = 1_700_000_000_000_000


class _Bucket:
    """Objects by name, each with its content and generation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[bytes, int]] = {}
        self._writes = _FIRST

    def answer(self, request: Request) -> Outcome:
        """Serve one request of the JSON API."""
        reply = self._put(request) if request.method == "POST" else self._get(request)
        return reply, None, lambda _delivered: None

    def _get(self, request: Request) -> Reply:
        found = self._objects.get(unquote(request.path).partition("/o/")[2])
        if found is None:
            return _error(404, "No such object")
        content, generation = found
        checksum = b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()
        headers = (
            ("X-Goog-Generation", str(generation)),
            ("X-Goog-Hash", f"crc32c={checksum}"),
        )
        return Reply(200, content, headers=headers)

    def _put(self, request: Request) -> Reply:
        kind = request.headers["Content-Type"]
        boundary = kind.partition("boundary=")[2].strip('"').encode()
        _, described, media, _ = request.body.split(b"--" + boundary)
        name = json.loads(described.partition(b"\r\n\r\n")[2])["name"]
        content = media.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        wanted = request.query.get("ifGenerationMatch")
        with self._lock:
            current = self._objects.get(name, (b"", 0))[1]
            if wanted is not None and int(wanted) != current:
                return _error(412, "At least one of the pre-conditions did not hold")
            self._writes += 1
            self._objects[name] = content, self._writes
            reply = {"name": name, "generation": str(self._writes)}
        return Reply(200, json.dumps(reply).encode())


def _error(status: int, message: str) -> Reply:
    reply = {"error": {"code": status, "message": message}}
    return Reply(status, json.dumps(reply).encode())


@contextlib.contextmanager
def bucket() -> Iterator[str]:
    """Serve an empty bucket; yield STORAGE_EMULATOR_HOST."""
    server = Listener(("127.0.0.1", 0), _Bucket().answer, threading.Event())
    with serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


@contextlib.contextmanager
def serving(server: Listener) -> Iterator[None]:
    """Serve from a thread; close every connection at the end."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
        server.close_connections()
