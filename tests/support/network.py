"""A TCP proxy before an emulator: the network is cut, stops, or goes one way only.

All connections for a while, or the one that brings the next request.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

SEVERED = "severed"
"""Connections are reset, new ones refused at once: an error, nothing applied."""
FROZEN = "frozen"
"""Nothing comes through: no answer, nothing applied."""
MUTED = "muted"
"""Requests come through, answers do not: applied, no answer."""

MODES = (SEVERED, FROZEN, MUTED)

_CHUNK = 65536

_Pair = tuple[socket.socket, socket.socket]


class Proxy:
    """Forwards a free loopback port to `upstream`, as `mode` allows."""

    APPLIED_WITHIN = 0.5
    """Seconds until the connection of a lost request is cut: applied by then."""

    def __init__(self, upstream: str) -> None:
        host, port = upstream.split(":")
        self._upstream = host, int(port)
        self._pairs: dict[_Pair, str] = {}
        """Connections, each with the mode that is its own from its request on."""
        self.mode = ""
        self._next = ""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Return `host:port`."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def strike(self, mode: str) -> None:
        """Let the network fail from now on."""
        self.mode = mode
        if mode == SEVERED:
            self._reset()

    def lose(self, *, applied: bool = True) -> None:
        """Lose the answer to the next request, or the request itself."""
        self._next = MUTED if applied else FROZEN

    def heal(self) -> None:
        """Let everything through again; what was swallowed stays lost."""
        if self.mode in (FROZEN, MUTED):
            self._reset()  # a stream with a hole in it is of no use to anybody
        self.mode = ""

    def close(self) -> None:
        """Stop listening and reset every connection."""
        self._listener.close()
        self._reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == SEVERED:
                _reset(client)
                continue
            try:
                server = socket.create_connection(self._upstream, 5)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = client, server
            self._pairs[pair] = ""
            for source, target, back in (
                (client, server, False),
                (server, client, True),
            ):
                threading.Thread(
                    target=self._pump, args=(source, target, back, pair), daemon=True
                ).start()

    def _pump(
        self,
        source: socket.socket,
        target: socket.socket,
        back: bool,
        pair: _Pair,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if self._next and not back:
                    # Before the request is passed on, or its answer may win.
                    self._pairs[pair], self._next = self._next, ""
                    threading.Timer(self.APPLIED_WITHIN, self._end, [pair]).start()
                mode = self._pairs.get(pair) or self.mode
                if mode == FROZEN or (mode == MUTED and back):
                    continue
                target.sendall(data)
        self._end(pair)

    def _end(self, pair: _Pair) -> None:
        self._pairs.pop(pair, None)
        for each in pair:
            _reset(each)

    def _reset(self) -> None:
        for pair in list(self._pairs):
            self._end(pair)


def _reset(peer: socket.socket) -> None:
    """Close with RST; a thread that waits on it wakes up."""
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        peer.close()
