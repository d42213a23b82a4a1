"""A request's body, bounded in bytes and in time whoever reads it.

The framework reads what a handler left before it answers, whole and for as long as it
takes (measured: 16 PUTs of 50 MB took an instance from 34 MB to 1.2 GB). So every
request gets a `Body` in place of the server's stream: a handler takes it up to a limit,
everybody else is given nothing and the rest is thrown away chunk by chunk. What has not
come by the deadline is not waited for: the reply goes out and the connection ends.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Protocol

from flask import Flask, Request, Response, request
from werkzeug.wsgi import get_input_stream

from shared.errors import BadRequest, SlowBody, TooLarge, Unavailable

PATIENCE = 1.5
"""Seconds from a request's arrival to the end of its body."""

CROWD = 4
"""Bodies waited for at once; who comes when so many are gets less patience."""

HURRY = 0.25
"""Seconds a body gets in a crowd, so that slow ones do not hold every thread. One that
comes with its head, as every alert's does, is never waited for at all."""

DISCARDED = 1_048_576
"""Bytes thrown away for a reply to arrive; a longer rest ends with the connection."""

_CHUNK = 65_536
_BODY = "shared.web.body"


class _Stream(Protocol):
    def read(self, size: int) -> bytes: ...


def guard(app: Flask) -> None:
    """Bound the body of every request to `app`, those included that reach no view."""
    app.before_request(_begin)
    app.after_request(_finish)


def body_of(of: Request) -> Body:
    """Return the request's body."""
    body = of.environ.get(_BODY)
    if not isinstance(body, Body):
        body = Body(
            get_input_stream(of.environ),
            of.environ.get("gunicorn.socket"),
            of.content_length,
        )
        of.environ[_BODY] = of.environ["wsgi.input"] = body
        of.environ["wsgi.input_terminated"] = True  # `Body.read` ends by itself
    return body


class Body:
    """The body of one request, read on the thread that serves it."""

    def __init__(
        self, stream: _Stream | None, sock: object, length: int | None
    ) -> None:
        self._stream = stream
        self._length = length
        # Any other kind of socket (TLS, a test's) is read without a deadline.
        self._sock = sock if type(sock) is socket.socket else None
        self._arrived = perf_counter()

    def take(self, limit: int) -> bytes:
        """Return the whole body.

        Raises `TooLarge` above `limit` bytes, declared or sent, `SlowBody` or (in a
        crowd) `Unavailable` where it did not come in time, `BadRequest` if it is cut.
        """
        if (self._length or 0) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        body = b""
        while len(body) <= limit and (part := self._next()):
            body += part
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        if len(body) < (self._length or 0):
            raise BadRequest("the body ended before its end")
        return body

    def read(self, size: int = -1) -> bytes:
        """Throw away what is left and return nothing: the framework's way to read."""
        if self._stream is not None and (self._length or 0) > DISCARDED:
            self._end()
        left = DISCARDED
        with suppress(SlowBody, Unavailable, BadRequest):
            while left > 0 and (part := self._next()):
                left -= len(part)
        if left <= 0:
            self._end()
        return b""

    def finish(self, *, closing: bool) -> None:
        """Throw away what is left; `closing` says that the connection ends anyway.

        gunicorn would wait for the rest of a body (5 s on its thread) and for the other
        side to close (2 s on the one thread that accepts everybody's connections).
        """
        self.read()
        if closing:
            self._end()

    def _next(self) -> bytes:
        if self._stream is None:
            return b""
        try:
            with self._deadline():
                part = self._stream.read(_CHUNK)
        except TimeoutError:
            self._end()
            if perf_counter() - self._arrived < PATIENCE:
                raise Unavailable("too many slow requests at once; again") from None
            raise SlowBody(f"the body did not come within {PATIENCE} s") from None
        except Exception:  # whatever this server raises for a cut or malformed body
            self._end()
            raise BadRequest("the body is cut off or malformed") from None
        if not part:
            self._stream = None
        return part

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        if self._sock is None:
            yield
            return
        _wait.arrived = self._arrived
        self._sock.__class__ = _Arriving
        try:
            yield
        finally:
            self._sock.__class__ = socket.socket
            self._sock.settimeout(None)

    def _end(self) -> None:
        """Read no more: the reply is the last thing on this connection."""
        self._stream = None
        if self._sock is not None:
            self._sock.__class__ = _Ended


class _Wait(threading.local):
    arrived = 0.0


_wait = _Wait()
_crowd = 0
_lock = threading.Lock()


class _Arriving(socket.socket):
    """A server's socket while a body is read: every receive ends by the deadline.

    A timeout of the socket itself bounds one receive, and a body that drips has many.
    """

    __slots__ = ()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive at most a chunk; raise `TimeoutError` at the deadline."""
        global _crowd
        with _lock:
            _crowd += 1
            patience = HURRY if _crowd > CROWD else PATIENCE
        try:
            left = _wait.arrived + patience - perf_counter()
            # What has come already is taken even then; zero would mean non-blocking.
            self.settimeout(max(left, 0.001))
            return super().recv(min(size, _CHUNK), flags)
        finally:
            with _lock:
                _crowd -= 1


class _Ended(socket.socket):
    """A server's socket that has nothing more to say to its server."""

    __slots__ = ()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raise `TimeoutError`, which makes gunicorn close the connection at once."""
        raise TimeoutError


def _begin() -> None:
    body_of(request)


def _finish(response: Response) -> Response:
    last = request.headers.get("Connection", "").strip().lower() == "close"
    body_of(request).finish(closing=last)
    return response
