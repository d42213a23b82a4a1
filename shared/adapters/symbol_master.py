"""FYERS's symbol master over HTTP: streamed, bounded, and whole or an error.

The master is public, so nothing secret is sent. Whether the server compresses it or
tells its length is not documented; both are used where they are given.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from shared.adapters.deadline_http import DeadlineAdapter, session, until
from shared.models import Deadline
from shared.symbols import SourceBroken

TOTAL = 60.0
"""Seconds for the whole download, redirects included."""

LEAST_BYTES = 100_000
MOST_BYTES = 200_000_000
"""Decompressed; 10 to 19 million were seen, 2024 to 2026."""

_FAILED = (requests.RequestException, HTTPError, OSError, zlib.error, ValueError)
"""ValueError: a redirect to an address that is none leaves `requests` as one."""

_PIECE = 64 * 1024
_LONGEST_LINE = 64 * 1024
_REDIRECTS = 3


class SymbolMaster:
    """The master at one address; a `SymbolSource`.

    `now` is a monotonic clock in seconds, `total` the seconds a download may take.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], float],
        *,
        total: float = TOTAL,
        least_bytes: int = LEAST_BYTES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._url = url
        self._now = now
        self._total = total
        self._least = least_bytes
        self._most = most_bytes

    def lines(self) -> Iterator[str]:
        """Yield the lines without their ends; raise `SourceBroken` unless all came.

        The time the caller takes between two lines counts as well.
        """
        deadline = Deadline(self._now() + self._total, self._now)
        try:
            with session(_Streamed()) as client:
                client.max_redirects = _REDIRECTS  # a download may move, an order not
                with until(deadline):
                    reply = client.get(
                        self._url, headers={"Accept-Encoding": "gzip"}, stream=True
                    )
                with reply:
                    _check(reply)
                    yield from self._split(reply, deadline)
        except _FAILED as error:
            raise SourceBroken(
                f"the symbol master did not arrive whole ({type(error).__name__})"
            ) from error

    def _split(self, reply: requests.Response, deadline: Deadline) -> Iterator[str]:
        size, rest = 0, b""
        for chunk in _decoded(reply, deadline):
            size += len(chunk)
            if size > self._most:
                raise SourceBroken(f"the symbol master is over {self._most} bytes")
            # A line feed is never part of a longer UTF-8 character.
            whole, feed, tail = chunk.rpartition(b"\n")
            if feed:
                yield from (rest + whole).decode("utf-8", "replace").split("\n")
                rest = tail
            else:
                rest += chunk
            if len(rest) > _LONGEST_LINE:
                raise SourceBroken("the symbol master has no lines")
        if size < self._least:
            raise SourceBroken(f"the symbol master has only {size} bytes")
        if rest:
            if not _vouched(reply):
                raise SourceBroken("the symbol master's last line may be cut off")
            yield rest.decode("utf-8", "replace")


class _Streamed(DeadlineAdapter):
    """Bounds like its parent, but leaves the body to be read piece by piece."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the response with its body unread; the deadline bounds each read."""
        return HTTPAdapter.send(
            self, request, stream=True, timeout=None, verify=verify, cert=cert
        )


def _check(reply: requests.Response) -> None:
    if reply.status_code != 200:
        raise SourceBroken(f"the symbol master answered HTTP {reply.status_code}")
    if "html" in reply.headers.get("Content-Type", "").lower():
        raise SourceBroken("the symbol master is a web page")
    hops = [hop.url for hop in (*reply.history, reply)]
    if hops[0].startswith("https:") and not all(h.startswith("https:") for h in hops):
        raise SourceBroken("the symbol master moved to an address without TLS")


def _decoded(reply: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    encoding = reply.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return _pieces(reply, deadline)
    if encoding in ("gzip", "x-gzip"):
        return _inflated(_pieces(reply, deadline))
    raise SourceBroken("the symbol master came in an encoding that was not asked for")


def _pieces(reply: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    while True:
        # Only for the read: the deadline is the thread's, and the caller may have
        # exchanges of its own between two lines.
        with until(deadline):
            piece: bytes = reply.raw.read(_PIECE, decode_content=False)
        if not piece:
            return
        yield piece


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield unzipped bytes; urllib3's own decoder lets a cut stream pass for whole."""
    inflate = zlib.decompressobj(31)
    for piece in pieces:
        while piece:
            if inflate.eof:  # a file may be several gzip members, one after the other
                inflate = zlib.decompressobj(31)
            yield inflate.decompress(piece, 4 * _PIECE)
            piece = inflate.unconsumed_tail or inflate.unused_data
    yield inflate.flush()
    if not inflate.eof:
        raise SourceBroken("the symbol master is cut off")


def _vouched(reply: requests.Response) -> bool:
    """Return whether something besides the end of the connection ended the body."""
    return (
        "Content-Length" in reply.headers
        or "Content-Encoding" in reply.headers
        or "chunked" in reply.headers.get("Transfer-Encoding", "").lower()
    )
