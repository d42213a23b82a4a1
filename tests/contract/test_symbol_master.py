"""The symbol master over real HTTP: whole, or `SourceBroken` in time."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.symbol_master import SymbolMaster
from shared.models import IST
from shared.symbols import SourceBroken, SymbolSource
from shared.symbols.master import build
from tests.contract.loopback import Loopback, Script, drip, request_head, self_signed
from tests.support.stopwatch import Stopwatch

LINES = [f"10112602103{n:05},NIFTY – {n},14,65,0.05" for n in range(20_000)]
BODY = ("\n".join(LINES) + "\n").encode()
ZIPPED = gzip.compress(BODY, 1)

Serve = Callable[[Script], "Server"]


class Server:
    """A loopback server and what was asked of it."""

    def __init__(self, script: Script, certificate: Path | None = None) -> None:
        self.heads: list[bytes] = []

        def recorded(peer: socket.socket, over: threading.Event) -> None:
            self.heads.append(request_head(peer))
            script(peer, over)

        self.loopback = Loopback(recorded, certificate)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.loopback.port}/NSE_FO.csv"

    def master(self, total: float = 10, **sizes: int) -> SymbolMaster:
        sizes = {"least_bytes": 1000, **sizes}
        return SymbolMaster(self.url, time.monotonic, total=total, **sizes)

    def lines(self, total: float = 10, **sizes: int) -> list[str]:
        return list(self.master(total, **sizes).lines())


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Server] = []

    def start(script: Script) -> Server:
        started.append(Server(script))
        return started[-1]

    yield start
    for server in started:
        server.loopback.close()


def answer(
    body: bytes, *headers: str, status: str = "200 OK", length: int | None = -1
) -> Script:
    """Return a script that answers; `length` None sends none, -1 the true one."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return lambda peer, over: peer.sendall(head + body)


def chunked(body: bytes, end: bytes = b"0\r\n\r\n", *headers: str) -> Script:
    """Return a script that answers in chunks of odd sizes."""
    pieces = [body[at : at + 30_011] for at in range(0, len(body), 30_011)]
    text = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end
    return answer(text, "Transfer-Encoding: chunked", *headers, length=None)


GZIP = "Content-Encoding: gzip"

WHOLE = {
    "with its length": answer(BODY, "Content-Type: text/csv"),
    "in chunks": chunked(BODY),
    "gzip": answer(ZIPPED, GZIP),
    "gzip in chunks": chunked(ZIPPED, b"0\r\n\r\n", GZIP),
    "gzip until the connection ends": answer(ZIPPED, GZIP, length=None),
    "gzip of two members": answer(
        gzip.compress(BODY[:777_777]) + gzip.compress(BODY[777_777:]), GZIP
    ),
    "until the connection ends": answer(BODY, length=None),
    "without the last line feed": answer(BODY[:-1]),
}


@pytest.mark.parametrize("script", WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_file_comes_line_by_line(serve: Serve, script: Script) -> None:
    assert serve(script).lines() == LINES


BROKEN = {
    "body shorter than its length": (answer(BODY[:-9], length=len(BODY)), "whole"),
    "no body at all": (answer(b"", length=len(BODY)), "whole"),
    "chunks without an end": (chunked(BODY, b""), "whole"),
    "a chunk cut": (chunked(BODY, b"ffff\r\nNSE:"), "whole"),
    "a chunk of nonsense": (chunked(BODY, b"zz\r\n"), "whole"),
    "gzip cut": (answer(ZIPPED[:-9], GZIP), "cut off"),
    "gzip cut in the middle": (answer(ZIPPED[:9999], GZIP), "cut off"),
    "gzip that is none": (answer(BODY, GZIP), "whole"),
    "gzip and rubbish": (answer(ZIPPED + b"rubbish", GZIP), "whole"),
    "gzip with a wrong sum": (answer(ZIPPED[:-8] + bytes(8), GZIP), "whole"),
    "an encoding nobody asked for": (answer(BODY, "Content-Encoding: br"), "encoding"),
    "last line cut, length unknown": (answer(BODY[:-9], length=None), "cut off"),
    "a web page": (answer(BODY, "Content-Type: text/html; charset=utf-8"), "web page"),
    "404": (answer(BODY, status="404 Not Found"), "HTTP 404"),
    "500": (answer(BODY, status="500 Internal Server Error"), "HTTP 500"),
    "206": (answer(BODY, status="206 Partial Content"), "HTTP 206"),
    "304": (answer(b"", status="304 Not Modified"), "HTTP 304"),
    "204": (answer(b"", status="204 No Content", length=None), "HTTP 204"),
    "empty": (answer(b""), "only 0 bytes"),
    "tiny": (answer(b"NSE:\n" * 9), "only 45 bytes"),
    "one endless line": (answer(b"x" * 300_000), "no lines"),
    "one endless line behind a good one": (answer(b"\n" + b"x" * 300_000), "no lines"),
    "no HTTP": (lambda peer, over: peer.sendall(b"SSH-2.0\r\n\r\n"), "whole"),
    "a hang-up": (lambda peer, over: None, "whole"),
    "redirects without end": (
        answer(b"", "Location: /again", status="302 Found"),
        "TooManyRedirects",
    ),
    "a redirect to nowhere": (
        answer(b"", "Location: http://[", status="302 Found"),
        "whole",
    ),
}


@pytest.mark.parametrize(("script", "why"), BROKEN.values(), ids=BROKEN.keys())
def test_anything_less_is_an_error(serve: Serve, script: Script, why: str) -> None:
    server = serve(script)
    with pytest.raises(SourceBroken, match=why):
        server.lines()


def test_a_server_that_is_not_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    master = SymbolMaster(f"http://127.0.0.1:{port}/", time.monotonic)
    with pytest.raises(SourceBroken, match="whole"):
        list(master.lines())


@pytest.mark.parametrize("url", ["", "NSE_FO.csv", "ftp://127.0.0.1/", "http://"])
def test_an_address_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(SourceBroken, match="whole"):
        list(SymbolMaster(url, time.monotonic).lines())


def _hang(peer: socket.socket, over: threading.Event) -> None:
    over.wait(5)


def _hang_in_body(peer: socket.socket, over: threading.Event) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + BODY[:5000])
    over.wait(5)


def _drip_head(peer: socket.socket, over: threading.Event) -> None:
    drip(peer, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 30, over)


def _drip_body(peer: socket.socket, over: threading.Event) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    drip(peer, BODY[:200], over)


def _drip_chunks(peer: socket.socket, over: threading.Event) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    drip(peer, b"1\r\nx\r\n" * 60, over)


@pytest.mark.parametrize(
    "script", [_hang, _hang_in_body, _drip_head, _drip_body, _drip_chunks]
)
def test_a_slow_server_is_given_up_in_time(serve: Serve, script: Script) -> None:
    server = serve(script)
    with Stopwatch() as took, pytest.raises(SourceBroken, match="whole"):
        server.lines(total=0.3)
    assert took.seconds < 1.5


def test_time_the_caller_takes_counts(serve: Serve) -> None:
    clock = [0.0]
    server = serve(answer(BODY * 20))
    source = SymbolMaster(server.url, lambda: clock[0], total=60, least_bytes=1)
    lines = source.lines()
    next(lines)
    clock[0] = 61
    with pytest.raises(SourceBroken, match="whole"):
        list(lines)


def test_a_file_too_large_is_left(serve: Serve) -> None:
    server = serve(answer(BODY))
    with pytest.raises(SourceBroken, match="over 100000 bytes"):
        server.lines(most_bytes=100_000)


def test_the_bounds_of_size_are_still_allowed(serve: Serve) -> None:
    server = serve(answer(BODY))
    assert server.lines(least_bytes=len(BODY), most_bytes=len(BODY)) == LINES


def test_a_gzip_bomb_is_left(serve: Serve) -> None:
    bomb = gzip.compress((b"\n" * 999 + b"0") * 30_000)
    server = serve(answer(bomb, GZIP))
    with pytest.raises(SourceBroken, match="over 1000000 bytes"):
        server.lines(most_bytes=1_000_000)


def test_bytes_that_are_no_text_do_not_stop_the_reading(serve: Serve) -> None:
    server = serve(answer(b"\xff\xfe,NIFTY\n" + BODY))
    assert server.lines()[:2] == ["\ufffd\ufffd,NIFTY", LINES[0]]


def test_a_move_is_followed(serve: Serve) -> None:
    there = serve(answer(BODY))
    here = serve(answer(b"", f"Location: {there.url}", status="301 Moved"))
    assert here.lines() == LINES


def test_a_move_away_from_tls_is_not_followed_home(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = serve(answer(BODY))
    certificate = self_signed(tmp_path / "server.pem")
    moved = answer(b"", f"Location: {plain.url}", status="302 Found")
    secure = Server(moved, certificate)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    try:
        with pytest.raises(SourceBroken, match="without TLS"):
            secure.lines()
    finally:
        secure.loopback.close()


def test_gzip_is_asked_for_and_nothing_private_is_said(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = serve(answer(BODY))
    server.lines()
    head = server.heads[0].decode()
    assert "Accept-Encoding: gzip\r\n" in head
    assert "Authorization" not in head


def test_a_caller_that_stops_early_leaves_nothing_open(serve: Serve) -> None:
    server = serve(answer(BODY * 50))
    lines = server.master().lines()
    assert isinstance(lines, Iterator)
    next(lines)
    lines.close()  # type: ignore[attr-defined]  # a generator
    assert list(lines) == []


def test_the_simulators_master_becomes_a_snapshot(serve: Serve) -> None:
    master = pytest.importorskip("simulator.master", reason="there is no simulator")
    asof = date(2026, 2, 9)
    text = master.text(master.lines(asof, rows=master.SIZES["small"]))
    source: SymbolSource = serve(answer(gzip.compress(text, 1), GZIP)).master()
    now = datetime(2026, 2, 9, 8, 30, tzinfo=IST) + timedelta(hours=1)
    built = build(source.lines(), now)
    assert built.summary.rows >= master.SIZES["small"]
    assert built.summary.broken == 0
