"""Distance: a server as if it were some milliseconds away."""

from __future__ import annotations

import contextlib
import queue
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import TypeVar

_Server = TypeVar("_Server", bound=socketserver.BaseServer)


class Distance(socketserver.ThreadingTCPServer):
    """A TCP proxy that delivers every answer `delay` seconds late."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, place: str) -> None:
        host, _, port = place.partition(":")
        self.target = host, int(port)
        self.delay = 0.0
        super().__init__(("127.0.0.1", 0), _Link)

    @property
    def place(self) -> str:
        """Return `host:port`."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Link(socketserver.BaseRequestHandler):
    server: Distance

    def handle(self) -> None:
        near: socket.socket = self.request
        with socket.create_connection(self.server.target) as far:
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            late: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            threading.Thread(target=_deliver, args=(late, near), daemon=True).start()
            threading.Thread(
                target=self._collect, args=(far, late), daemon=True
            ).start()
            with contextlib.suppress(OSError):
                while data := near.recv(65536):
                    far.sendall(data)

    def _collect(
        self, far: socket.socket, late: queue.SimpleQueue[tuple[float, bytes]]
    ) -> None:
        data = b"-"
        while data:
            try:
                data = far.recv(65536)
            except OSError:
                data = b""
            late.put((time.monotonic() + self.server.delay, data))


def _deliver(late: queue.SimpleQueue[tuple[float, bytes]], near: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, data = late.get()
            if not data:
                break
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            near.sendall(data)


@contextlib.contextmanager
def distance(place: str) -> Iterator[Distance]:
    """Run a `Distance` in front of a server."""
    with _served(Distance(place)) as server:
        yield server


@contextlib.contextmanager
def _served(server: _Server) -> Iterator[_Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
