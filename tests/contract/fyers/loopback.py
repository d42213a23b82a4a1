"""A raw HTTP server in FYERS's place: notes each request and plays a scripted end."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence

from tests.contract import loopback
from tests.contract.loopback import Request, read_request

Behaviour = Callable[[socket.socket, threading.Event], object]
"""End an exchange whose request was read whole; return early when the event is set."""


class Loopback(loopback.Loopback):
    """Plays `script` in order, one behaviour per request, the last one for ever."""

    def __init__(self, script: Sequence[Behaviour] = ()) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        super().__init__(self._converse)
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return self.accepted

    def close(self) -> None:
        self.hang_up()
        super().close()

    def _converse(self, peer: socket.socket, over: threading.Event) -> None:
        peer.settimeout(None)  # it may be idle as long as a test likes
        with peer.makefile("rb") as stream:
            while (request := read_request(stream)) is not None:
                with self._lock:
                    self.requests.append(request)
                    last = len(self.script) == 1
                    behave = self.script[0] if last else self.script.pop(0)
                if behave(peer, over) is not None:
                    return


def page(
    status: int,
    body: bytes,
    kind: str = "text/html",
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> Behaviour:
    """Answer with these bytes; a `length` above theirs makes a cut body, then close."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
    head += f"Content-Length: {len(body) if length is None else length}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())

    def answer(peer: socket.socket, _: threading.Event) -> object:
        peer.sendall(head.encode() + b"\r\n" + body)
        return None if length is None else "cut"

    return answer


def says(status: int, reply: object, **headers: str) -> Behaviour:
    """Answer as FYERS does: JSON, headers given with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return page(status, json.dumps(reply).encode(), "application/json", named)


def error(status: int, code: int, message: str, **more: object) -> Behaviour:
    """Answer with FYERS's error envelope."""
    return says(status, {"s": "error", "code": code, "message": message, **more})


def reset(peer: socket.socket, _: threading.Event) -> object:
    """Reset the connection after the request was read."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    return "reset"


def close(peer: socket.socket, _: threading.Event) -> object:
    """Close the connection without a word."""
    peer.shutdown(socket.SHUT_RDWR)
    return "closed"


def hang(_: socket.socket, over: threading.Event) -> object:
    """Never answer."""
    over.wait(10)
    return "hung"


def drip(peer: socket.socket, over: threading.Event) -> object:
    """Send a good reply one byte every 20 ms."""
    body = b'{"s":"ok","code":1101,"message":"","id":"26112300000001"}'
    peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    for byte in body:
        peer.sendall(bytes([byte]))
        if over.wait(0.02):
            break
    return "dripped"


def half_body(peer: socket.socket, over: threading.Event) -> object:
    """Send a head and half a body, then hang."""
    peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"s":"ok","code":1101,')
    over.wait(10)
    return "hung"


def garbage(peer: socket.socket, _: threading.Event) -> object:
    """Answer with bytes that are no HTTP."""
    peer.sendall(b"\x16\x03\x01\x02\x00 not http\r\n\r\n")
    peer.shutdown(socket.SHUT_RDWR)
    return "garbage"
