"""The owner's phone: an address that takes notices, unless it is down or hangs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.director import pause


@dataclass
class Phone:
    """Where the owner's notices arrive; `modes` strikes the next ones."""

    url: str = ""
    notices: list[dict[str, Any]] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    """`down` or `hang` for the next notice; one ending in `*` stays."""

    def mode(self) -> str:
        """Return what happens to the next notice."""
        if not self.modes:
            return ""
        if self.modes[0].endswith("*"):
            return self.modes[0][:-1]
        return self.modes.pop(0)

    @property
    def events(self) -> list[str]:
        return [str(notice["event"]) for notice in self.notices]


@contextmanager
def phones() -> Iterator[Phone]:
    """Serve a phone on a free port."""
    phone = Phone()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            mode = phone.mode()
            if mode == "hang":
                pause(1.0)
                return
            if not mode:
                phone.notices.append(json.loads(body))
            self.send_response(503 if mode == "down" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    phone.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield phone
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
