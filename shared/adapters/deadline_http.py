"""HTTP with one bound over the whole exchange, on the calling thread alone.

`requests` and urllib3 apply a timeout to each receive, so a body that drips a byte at a
time outlives any of them (measured: 5.4 s under a 1 s timeout). Here every connect,
handshake, send and receive gets what is left of the thread's deadline, and the body is
read before `send` returns.

    with until(deadline):
        session().post(...)

Only the resolver cannot be interrupted: its time counts, and a lookup that ends too
late opens no connection, but bounding the lookup itself is the C library's part
(`RES_OPTIONS=timeout:1 attempts:1`).
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3 import connection, connectionpool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util import create_urllib3_context, parse_url

from shared.models import Deadline

_PIECE = 16 * 1024
"""Bytes per send: TLS sends one record at a time, each under what is left by then."""


class _Thread(threading.local):
    deadline: Deadline | None = None


_thread = _Thread()


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """Bound every exchange of this thread by `deadline` while the block runs."""
    before = _thread.deadline
    _thread.deadline = deadline
    try:
        yield
    finally:
        _thread.deadline = before


def session(adapter: HTTPAdapter | None = None) -> requests.Session:
    """Return a session bounded by `until`: no proxy, no .netrc, no redirect.

    A redirect raises `requests.TooManyRedirects`: `requests` would otherwise follow a
    307 by sending an order again.
    """
    bounded = requests.Session()
    bounded.trust_env = False
    bounded.max_redirects = 0
    mounted = adapter or DeadlineAdapter()
    bounded.mount("https://", mounted)
    bounded.mount("http://", mounted)
    return bounded


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose exchange ends, body included, by the thread's deadline.

    Out of time before anything was opened or written is `requests.ConnectTimeout`, as
    for a connection that never opened. Without `until` it raises `RuntimeError`.
    """

    until = staticmethod(until)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make pools whose connections know the deadline."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": _TlsPool}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the response with its body read; `timeout` gives way to the deadline.

        Raises what `requests` raises.
        """
        try:
            left = time_left()
        except MaxRetryError as late:
            raise requests.ConnectTimeout(late, request=request) from None
        response = super().send(
            request, stream=True, timeout=left, verify=verify, cert=cert, proxies=None
        )
        try:
            response.content  # noqa: B018  # reads the body, under the deadline
        except BaseException:
            response.close()
            raise
        return response


def time_left() -> float:
    """Return the seconds an exchange of this thread may take.

    Out of time is raised as urllib3 does for a connection that never opened.
    """
    left = _left()
    if not left:
        late = ConnectTimeoutError("no time left to connect")
        raise MaxRetryError(None, "", late)  # type: ignore[arg-type]  # no pool yet
    return left


def _left() -> float:
    if _thread.deadline is None:
        raise RuntimeError("an HTTP exchange needs a deadline: use until()")
    return _thread.deadline.left()


def _arm(sock: socket.socket) -> None:
    left = _left()
    if not left:
        # A zero timeout would mean non-blocking.
        raise TimeoutError("the deadline has passed")
    sock.settimeout(left)


class _Source(socket.SocketIO):
    """A socket's raw reader that re-arms the timeout before every receive."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, "r")
        self._bounded = sock

    def readinto(self, buffer: Any) -> int | None:
        _arm(self._bounded)
        return super().readinto(buffer)


class _Readable:
    """The one thing `http.client` asks of a socket when it reads a response."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        source = _Source(self._sock)
        # As socket.makefile does: the socket stays open until its readers are closed.
        self._sock._io_refs += 1  # type: ignore[attr-defined]  # not in the stubs
        return io.BufferedReader(source)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Readable(sock), *args, **kwargs)  # type: ignore[arg-type]  # only makefile is used


class _Bounded(connection.HTTPConnection):
    """What the plain and the TLS connection share."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """Open a socket; raise what urllib3 raises for one that never opened."""
        try:
            found = socket.getaddrinfo(
                self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM
            )
        except (socket.gaierror, UnicodeError) as error:
            unresolved = (
                error
                if isinstance(error, socket.gaierror)
                else socket.gaierror(str(error))
            )
            raise NameResolutionError(self.host, self, unresolved) from error
        failure: OSError | None = None
        for place, (family, kind, protocol, _, address) in enumerate(found):
            share = _left() / (
                len(found) - place
            )  # a dead address leaves time for the next
            if not share:
                failure = TimeoutError("no time left to connect")
                break
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(share)
                sock.connect(address)
                _arm(sock)  # the TLS handshake comes next, bounded as one call
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"{self.host}: {failure}") from failure
        raise NewConnectionError(self, f"cannot connect: {failure}") from failure

    def send(self, data: Any) -> None:
        """Send bytes piece by piece, each under what is left by then."""
        if self.sock is None:
            self.connect()
        rest = memoryview(data)
        while rest:
            _arm(self.sock)
            rest = rest[self.sock.send(rest[:_PIECE]) :]


class _TlsBounded(_Bounded, connection.HTTPSConnection):
    """The same over TLS."""


class Pool(connectionpool.HTTPConnectionPool):
    """Connections to one host, every exchange bounded by the thread's deadline."""

    ConnectionCls = _Bounded


class _TlsPool(Pool, connectionpool.HTTPSConnectionPool):
    ConnectionCls = _TlsBounded


def pool(base_url: str, size: int) -> Pool:
    """Return a pool to the host of an address that keeps up to `size` connections."""
    place = parse_url(base_url)
    if place.scheme != "https":
        return Pool(place.host or "", place.port, maxsize=size)
    context = _trusting(certifi.where())
    return _TlsPool(place.host or "", place.port, maxsize=size, ssl_context=context)


@functools.cache
def _trusting(certificates: str) -> ssl.SSLContext:
    """Return the context of all connections: reading the file takes 20 ms."""
    context = create_urllib3_context()
    context.load_verify_locations(certificates)
    return context
