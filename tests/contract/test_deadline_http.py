"""The HTTP adapter's bound: a whole exchange ends with the deadline, whatever drips."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from shared.adapters.deadline_http import DeadlineAdapter, session, until
from shared.models import Deadline
from tests.contract.loopback import Loopback, Script, drip, request_head, self_signed
from tests.support.stopwatch import Stopwatch

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BOUND = 0.4
SLACK = 0.1

Serve = Callable[[Script], str]


@pytest.fixture(params=["plain", "tls"])
def serve(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Serve, Path | None]]:
    """Return a starter of loopback servers and the certificate to trust, if TLS."""
    certificate = self_signed(tmp_path / "tls.pem") if request.param == "tls" else None
    started: list[Loopback] = []

    def start(script: Script) -> str:
        started.append(Loopback(script, certificate))
        scheme = "https" if certificate else "http"
        return f"{scheme}://127.0.0.1:{started[-1].port}/"

    yield start, certificate
    for server in started:
        server.close()


@pytest.fixture
def web(serve: tuple[Serve, Path | None]) -> Iterator[requests.Session]:
    with session() as web:
        web.verify = str(serve[1]) if serve[1] else True
        yield web


def seconds(left: float) -> Deadline:
    return Deadline(time.monotonic() + left, time.monotonic)


def answer(text: bytes) -> Script:
    def script(peer: socket.socket, over: threading.Event) -> None:
        while request_head(peer):
            peer.sendall(text)

    return script


def dripping(ready: bytes, dripped: bytes) -> Script:
    def script(peer: socket.socket, over: threading.Event) -> None:
        request_head(peer)
        peer.sendall(ready)
        drip(peer, dripped, over)

    return script


def took(call: Callable[[], object], failure: type[Exception]) -> float:
    with Stopwatch() as watch, pytest.raises(failure):
        call()
    return watch.seconds


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("ready", "dripped"),
    [
        pytest.param(HEAD, b"x" * 400, id="body"),
        pytest.param(CHUNKED, b"1\r\nx\r\n" * 100, id="chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n" * 40, id="headers"),
        pytest.param(b"", b"HTTP/1.1 200 OK" + b" " * 300, id="status line"),
        pytest.param(HEAD, b"", id="silence after the headers"),
    ],
)
def test_a_dripped_reply_ends_with_the_deadline(
    serve: tuple[Serve, Path | None],
    web: requests.Session,
    ready: bytes,
    dripped: bytes,
) -> None:
    url = serve[0](dripping(ready, dripped))
    with until(seconds(BOUND)):
        spent = took(lambda: web.get(url), requests.RequestException)
    assert spent < BOUND + SLACK


def test_a_whole_reply_in_time_is_returned(
    serve: tuple[Serve, Path | None], web: requests.Session
) -> None:
    url = serve[0](answer(OK))
    with until(seconds(60)):
        assert web.get(url).text == "hello"


def test_a_connection_is_used_again_under_a_new_deadline(
    serve: tuple[Serve, Path | None], web: requests.Session
) -> None:
    url = serve[0](answer(OK))
    with until(seconds(2)):
        web.get(url)
    with until(seconds(60)):
        assert web.get(url).text == "hello"


def test_a_large_body_is_sent_whole(
    serve: tuple[Serve, Path | None], web: requests.Session
) -> None:
    body = bytes(range(256)) * 2000
    got = bytearray()

    def script(peer: socket.socket, over: threading.Event) -> None:
        got.extend(request_head(peer))
        while not got.endswith(body):
            got.extend(peer.recv(65536))
        peer.sendall(OK)

    url = serve[0](script)
    with until(seconds(60)):
        assert web.post(url, data=body).status_code == 200


def test_a_peer_that_stops_reading_ends_with_the_deadline(
    serve: tuple[Serve, Path | None], web: requests.Session
) -> None:
    url = serve[0](lambda peer, over: over.wait(5))
    with until(seconds(BOUND)):
        spent = took(
            lambda: web.post(url, data=b"x" * 50_000_000), requests.ConnectionError
        )
    assert spent < BOUND + SLACK


def test_a_silent_tls_handshake_ends_with_the_deadline() -> None:
    server = Loopback(lambda peer, over: over.wait(5))
    try:
        with session() as web, until(seconds(BOUND)):
            spent = took(
                lambda: web.get(f"https://127.0.0.1:{server.port}/"),
                requests.RequestException,
            )
    finally:
        server.close()
    assert spent < BOUND + SLACK


def test_a_redirect_is_never_followed() -> None:
    server = Loopback(
        answer(b"HTTP/1.1 307 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    )
    try:
        with (
            session() as web,
            until(seconds(60)),
            pytest.raises(requests.TooManyRedirects),
        ):
            web.post(f"http://127.0.0.1:{server.port}/", data=b"order")
    finally:
        server.close()
    assert server.accepted == 1


def test_no_time_left_opens_nothing() -> None:
    server = Loopback(answer(OK))
    try:
        with (
            session() as web,
            until(seconds(0)),
            pytest.raises(requests.ConnectTimeout) as raised,
        ):
            web.get(f"http://127.0.0.1:{server.port}/")
    finally:
        server.close()
    assert isinstance(raised.value.args[0].reason, ConnectTimeoutError)
    assert server.accepted == 0


def test_time_that_runs_out_in_the_resolver_opens_nothing() -> None:
    server = Loopback(answer(OK))
    instants = itertools.chain([0.0], itertools.repeat(2.0))
    try:
        with (
            session() as web,
            until(Deadline(1.0, lambda: next(instants))),
            pytest.raises(requests.ConnectTimeout) as raised,
        ):
            web.get(f"http://127.0.0.1:{server.port}/")
    finally:
        server.close()
    assert isinstance(raised.value.args[0].reason, ConnectTimeoutError)
    assert server.accepted == 0


def test_a_refused_connection_says_it_never_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        session() as web,
        until(seconds(2)),
        pytest.raises(requests.ConnectionError) as raised,
    ):
        web.get(f"http://127.0.0.1:{port}/")
    assert isinstance(raised.value.args[0].reason, NewConnectionError)


def test_an_unresolvable_name_says_it_never_opened() -> None:
    with (
        session() as web,
        until(seconds(60)),
        pytest.raises(requests.ConnectionError) as raised,
    ):
        web.get("http://nowhere.invalid/")
    assert isinstance(raised.value.args[0].reason, ConnectTimeoutError)


def test_a_connect_that_hangs_ends_with_the_deadline() -> None:
    # A full backlog: the kernel drops further connects instead of refusing them.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        url = f"http://127.0.0.1:{address[1]}/"
        with (
            socket.create_connection(address),
            session() as web,
            until(seconds(BOUND)),
        ):
            spent = took(lambda: web.get(url), requests.ConnectTimeout)
    assert spent < BOUND + SLACK


def test_an_exchange_without_a_deadline_is_a_programming_error() -> None:
    with session() as web, pytest.raises(RuntimeError, match="until"):
        web.get("http://127.0.0.1:9/")


def test_the_outer_deadline_returns_after_an_inner_one() -> None:
    server = Loopback(answer(OK))
    try:
        with session() as web, until(seconds(60)):
            with DeadlineAdapter.until(seconds(0)):
                pass
            assert web.get(f"http://127.0.0.1:{server.port}/").ok
    finally:
        server.close()
