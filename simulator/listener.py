"""The socket side: threads, keep-alive, header and body in one write.

Nagle is off; with it every reply after the first would wait about 40 ms for an ACK.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

from simulator.delivery import head_and_body, send
from simulator.faults import Fault
from simulator.wire import Reply, Request

Outcome = tuple[Reply, Fault | None, Callable[[bool], None]]
"""A reply, how to spoil its delivery, and whom to tell whether it was delivered."""
Answer = Callable[[Request], Outcome]


class Handler(BaseHTTPRequestHandler):
    """One connection; requests follow each other on it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def handle_one_request(self) -> None:
        """Read one request, whatever its method, and answer it."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = {name.title(): value for name, value in self.headers.items()}
        except OSError:
            self.close_connection = True
            return
        request = Request.parse(self.command, self.path, headers, body)
        reply, fault, tell = self.server.answer(request)
        delivered = False
        with suppress(OSError):
            if self.command == "HEAD":
                self.connection.sendall(head_and_body(reply, body=False))
                delivered = True
            else:
                delivered = send(self.connection, reply, fault, self.server.stopping)
        self.close_connection |= not delivered
        tell(delivered)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the simulator records calls itself."""


class Listener(socketserver.ThreadingTCPServer):
    """A threaded server that can close every connection at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], answer: Answer, stopping: threading.Event
    ) -> None:
        self.answer = answer
        self.stopping = stopping
        self._open: set[socket.socket] = set()
        super().__init__(address, Handler)

    def process_request(self, request: object, client_address: object) -> None:
        """Serve a connection on a thread of its own and remember it."""
        assert isinstance(request, socket.socket)  # noqa: S101 - TCP only
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: object) -> None:
        """Close a connection and forget it."""
        self._open.discard(request)
        super().shutdown_request(request)  # type: ignore[arg-type]  # always a socket

    def handle_error(self, request: object, client_address: object) -> None:
        """Show a fault of the simulator itself, not a client that went away."""
        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()

    def close_connections(self) -> None:
        """Close what clients keep alive, so that none waits for a dead server."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
