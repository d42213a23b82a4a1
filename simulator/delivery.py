"""How a reply reaches the wire, whole or spoiled by a fault."""

from __future__ import annotations

import os
import socket
import struct
import threading
from http import HTTPStatus

from simulator.auth import unauthorized
from simulator.faults import Fault
from simulator.limits import too_many
from simulator.options import Options
from simulator.rules import not_allowed
from simulator.wire import HTML, Reply, Request, encode

WENT_WRONG = {
    "code": -99,
    "message": "Something went wrong. Please contact support",
    "s": "error",
}
CLOUDFLARE = """<!DOCTYPE html>
<html lang="en-US"><head><title>{title}</title></head>
<body><h1>{title}</h1><p>Cloudflare Ray ID: 8f3c1d2e4b5a6978</p></body></html>
"""
ERROR_1015 = "Error 1015 You are being rate limited"


def head_and_body(reply: Reply, *, close: bool = False, body: bool = True) -> bytes:
    """Return a reply as the bytes of one write."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = ""
    lines = [
        f"HTTP/1.1 {reply.status} {phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    if close:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return head + reply.body if body else head


def spoil(
    fault: Fault, reply: Reply | None, request: Request, options: Options
) -> Reply:
    """Return what a fault makes of a reply (None: the call had no effect)."""
    kind = fault.kind
    if kind == "error":
        return Reply(fault.status or 500, encode(WENT_WRONG))
    if kind == "html":
        status = fault.status or 502
        title = ERROR_1015 if status == 429 else f"{status} | api-t1.fyers.in"
        return Reply(status, CLOUDFLARE.format(title=title).encode(), HTML)
    if kind == "rate":
        return too_many(request.path, fault.seconds).reply()
    if kind == "expired":
        return unauthorized(request.path, expired=True).reply()
    if kind == "not_allowed":
        return not_allowed(options).reply()
    if kind == "redirect":
        return Reply(302, b"", HTML, (("Location", "/api/v3/profile"),))
    simple = {
        "empty": b"",
        "garbage": b'{"s":"ok","code":1101,"mess',
        "no_ack": encode({"s": "ok", "code": 201, "message": "Order sent"}),
        "no_id": encode({"s": "ok", "code": 1101, "message": "Successfully placed"}),
    }
    if kind in simple:
        return Reply(200, simple[kind])
    return reply or Reply(500, encode(WENT_WRONG))


def send(
    connection: socket.socket, reply: Reply, fault: Fault | None, stop: threading.Event
) -> bool:
    """Write a reply as a fault wants it; return whether the connection lives on."""
    kind = fault.kind if fault else ""
    if fault is None or kind not in ("reset", "close", "hang", "drip", "cut"):
        connection.sendall(head_and_body(reply))
        return True
    if kind == "hang":
        stop.wait(fault.seconds)
    elif kind == "cut":
        whole = head_and_body(reply)
        connection.sendall(whole[: len(whole) - (len(reply.body) + 1) // 2])
    elif kind == "drip":
        connection.sendall(head_and_body(reply, body=False))
        return _drip(connection, reply.body, fault.seconds, stop)
    elif kind == "reset":
        reset(connection)
    return False


def reset(connection: socket.socket) -> None:
    """Close a connection with RST instead of FIN."""
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    os.close(connection.detach())


def _drip(
    connection: socket.socket, body: bytes, pause: float, stop: threading.Event
) -> bool:
    for position in range(len(body)):
        if stop.wait(pause):
            return False
        connection.sendall(body[position : position + 1])
    return True
