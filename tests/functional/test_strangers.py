"""What somebody without any secret can do to an instance, each with its bound."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest
import requests

from shared.broker import LoginQueue
from shared.login import OwnersKey, States
from shared.models import Secret
from tests.fakes.login import MemoryOnce
from tests.fakes.login import code as false_code
from tests.functional.clocked import SharedClock
from tests.functional.login_world import APP_SECRET, HOOK_SECRET, World, worlds
from tests.functional.platform import Instance, started
from tests.support.stopwatch import Stopwatch

MEGABYTE = b"x" * 1_000_000
MOST = 100.0
"""Megabytes that no stranger may take an instance to; the smallest has 256."""

SETTINGS = {
    "THREADS": "64",
    "FYERS_APP_ID": "APP-200",
    "FYERS_SECRET_ID": "strangers-app-secret",
    "FYERS_PIN": "4321",
    "FYERS_BASE_URL": "http://127.0.0.1:9",
    "SYMBOL_MASTER_URL": "http://127.0.0.1:9/master.csv",
    "WEBHOOK_SECRET_TOKEN": "strangers-hook-secret-1",
}


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Yield the webhook with the threads of its deployment."""
    folder = tmp_path_factory.mktemp("webhook")
    with started("webhook", folder, {"THREADS": "64"}) as instance:
        requests.get(instance.url, timeout=30)
        yield instance


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Yield a webhook that has all its settings and reaches nobody."""
    with started("webhook", tmp_path_factory.mktemp("configured"), SETTINGS) as one:
        requests.post(one.url, json={}, timeout=30)
        yield one


def _send(
    instance: Instance,
    head: str,
    pieces: Callable[[], Iterator[bytes]],
    patience: float = 10,
) -> bytes:
    """Send a head and a body in pieces; return what came back, empty if nothing."""
    with socket.create_connection(("127.0.0.1", instance.port), patience) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
            for piece in pieces():
                sock.sendall(piece)
        with contextlib.suppress(OSError):
            return sock.recv(4096)
    return b""


def _megabytes(count: int) -> Callable[[], Iterator[bytes]]:
    return lambda: (MEGABYTE for _ in range(count))


@pytest.mark.parametrize(
    ("request_line", "length"),
    [
        ("PUT / HTTP/1.1", "Content-Length: 50000000"),
        ("GET / HTTP/1.1", "Content-Length: 50000000"),
        ("POST / HTTP/1.1", "Content-Length: 50000000"),
        ("POST /elsewhere HTTP/1.1", "Content-Length: 50000000"),
        ("PUT /favicon.ico HTTP/1.1", "Content-Length: 50000000"),
    ],
)
def test_bodies_nobody_asked_for_cost_no_memory(
    webhook: Instance, request_line: str, length: str
) -> None:
    webhook.peak()
    head = f"{request_line}\nHost: x\n{length}\n"
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: _send(webhook, head, _megabytes(50)), range(16)))
    assert webhook.peak() < MOST


def test_a_chunked_body_without_end_costs_no_memory(webhook: Instance) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(50):
            yield b"f4240\r\n" + MEGABYTE + b"\r\n"

    webhook.peak()
    head = "PUT / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n"
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: _send(webhook, head, endless), range(16)))
    assert webhook.peak() < MOST


def _dripping(piece: bytes, times: int) -> Callable[[], Iterator[bytes]]:
    def drip() -> Iterator[bytes]:
        for _ in range(times):
            yield piece
            time.sleep(0.3)

    return drip


@pytest.mark.parametrize(
    ("length", "pieces"),
    [
        pytest.param("Content-Length: 500", lambda: iter(()), id="silent"),
        pytest.param("Content-Length: 500", _dripping(b"x", 20), id="dripping"),
        pytest.param("Content-Length: 50000000", _dripping(b"x", 20), id="huge"),
        pytest.param(
            "Transfer-Encoding: chunked", _dripping(b"1\r\nx\r\n", 20), id="chunked"
        ),
        pytest.param(
            "Transfer-Encoding: chunked", _dripping(b"0", 20), id="never-a-chunk"
        ),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_slow_body_is_answered_within_its_deadline(
    configured: Instance,
    method: str,
    length: str,
    pieces: Callable[[], Iterator[bytes]],
) -> None:
    head = f"{method} / HTTP/1.1\nHost: x\n{length}\n"
    address = ("127.0.0.1", configured.port)
    with Stopwatch() as took, socket.create_connection(address, 5) as sock:
        sock.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
        threading.Thread(target=_drip, args=(sock, pieces), daemon=True).start()
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert took.seconds < 2.0, "the connection is closed by then"
    if method == "POST" and length != "Content-Length: 50000000":
        assert b" 408 " in answer
        assert b'"slow_body"' in answer


def _drip(sock: socket.socket, pieces: Callable[[], Iterator[bytes]]) -> None:
    with contextlib.suppress(OSError):
        for piece in pieces():
            sock.sendall(piece)


def test_two_hundred_slow_bodies_do_not_hold_up_an_alert(configured: Instance) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            sock = socket.create_connection(("127.0.0.1", configured.port), 5)
            stack.enter_context(sock)
            sock.sendall(head)
        with Stopwatch() as took:
            reply = requests.post(configured.url, json={"token": "wrong"}, timeout=10)
    assert reply.status_code == 401
    assert took.seconds < 2.2


def test_a_connection_that_stays_open_serves_on(configured: Instance) -> None:
    with requests.Session() as session:
        for _ in range(3):
            reply = session.post(configured.url, json={"token": "wrong"}, timeout=10)
            assert reply.status_code == 401
            assert session.get(configured.url, timeout=10).status_code in (200, 503)
            time.sleep(0.1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Yield every function beside FYERS, nobody logged in."""
    with worlds(tmp_path) as (world,):
        yield world


def _public_state(world: World) -> str:
    address: str = world.get("/auth-url").json()["auth_url"]
    return address.partition("state=")[2]


def test_a_thousand_false_logins_with_one_public_state_cost_nothing(
    tmp_path: Path,
) -> None:
    env = SETTINGS | {"FYERS_REDIRECT_URI": "http://127.0.0.1:9/", "THREADS": "8"}
    with started("generate_token", tmp_path, env) as instance:
        secret = Secret(env["FYERS_SECRET_ID"])
        clock = partial(datetime.now, UTC)
        state = States(secret, MemoryOnce(clock), clock).issue(LoginQueue.OTHERS)
        times = []
        caller = HTTPConnection("127.0.0.1", instance.port, timeout=10)
        for number in range(1_000):
            began = time.perf_counter()
            code = f"unauthorized%20in-{number}-{'x' * 2_000}"
            caller.request("GET", f"/?s=ok&auth_code={code}&state={state}")
            reply = json.loads(caller.getresponse().read())
            times.append(time.perf_counter() - began)
            assert reply["code"] == "bad_code"
        assert instance.peak() < MOST
        assert median(times[-100:]) < 4 * median(times[100:200])


def test_a_false_code_blinds_no_later_line_of_the_log(world: World) -> None:
    state = _public_state(world)
    query = f"s=ok&auth_code=unauthorized%20in&state={state}"
    world.get(f"/generate-token?{query}")
    assert world.post("/generate-token", {}, "wrong").status_code == 401
    end = time.monotonic() + 20  # a thread relays the lines
    while not [line for line in world.lines if " 401 unauthorized in " in line]:
        assert time.monotonic() < end, world.lines
        time.sleep(0.02)


def _key() -> str:
    """Return the key in the owner's own links of today."""
    return OwnersKey(Secret(APP_SECRET), partial(datetime.now, UTC)).today()


def test_strangers_take_nothing_of_the_owners_way_to_log_in(world: World) -> None:
    stop = threading.Event()
    answers: list[int] = []

    def attack() -> None:
        while not stop.wait(0.25):
            path = f"/generate-token?s=ok&auth_code={false_code()}"
            answers.append(
                world.get(f"{path}&state={_public_state(world)}").status_code
            )

    took = []
    with ThreadPoolExecutor(4) as threads:
        attacks = [threads.submit(attack) for _ in range(4)]
        try:
            time.sleep(1)
            for _ in range(5):
                with Stopwatch() as one_took:
                    reply = world.get(world.redirected(_key()), browser=True)
                took.append(one_took.seconds)
                assert reply.status_code == 303, reply.text  # to the desk
        finally:
            stop.set()
        for one in attacks:
            one.result()
    assert max(took) < 3
    assert {400, 503} == set(answers), "some of them reached FYERS, most had no room"
    exchanges = world.calls("/validate-authcode") - len(took)
    assert exchanges <= 2 + sum(took) + 1, "one a second"


def test_strangers_who_use_up_their_minute_leave_the_owner_the_rest(
    world: World,
) -> None:
    """Four calls a minute are theirs; the owner's link has its own."""
    began = time.monotonic()
    answers = []
    for _ in range(12):
        path = f"/generate-token?s=ok&auth_code={false_code()}"
        answers.append(world.get(f"{path}&state={_public_state(world)}").status_code)
    keyless = world.get(world.redirected(), browser=True)
    assert keyless.status_code == 503
    assert "the link in your login notice" in keyless.text
    with Stopwatch() as took:
        assert world.get(world.redirected(_key()), browser=True).status_code == 303
    assert took.seconds < 3
    minutes = 1 + int(time.monotonic() - began) // 60
    assert 503 in answers
    assert world.calls("/validate-authcode") - 1 <= 4 * minutes


def test_strangers_cost_no_write_and_no_notice(world: World) -> None:
    for _ in range(3):
        state = _public_state(world)
        world.get(f"/generate-token?s=ok&auth_code={false_code()}&state={state}")
    for path in (
        "/webhook",
        "/webhook/other",
        "/auth-url",
        "/readyz",
        "/refresh-token",
    ):
        world.get(path)
    assert world.phone.notices == []
    assert _rows(world.state / "claims.sqlite") == 0
    assert world.get(world.redirected(_key())).status_code == 200
    assert _rows(world.state / "claims.sqlite") == 1, "the owner's used state"


def _rows(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(file)) as store:
        tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        counts = [store.execute(f"SELECT count(*) FROM {name}") for (name,) in tables]
        return sum(count for rows in counts for (count,) in rows)


def test_wrong_secrets_are_one_notice_and_one_write_an_hour(world: World) -> None:
    for _ in range(20):
        assert world.post("/webhook", {"token": "guess"}).status_code == 401
    (notice,) = world.phone.notices
    assert notice["event"] == "wrong_secret"
    assert notice["message"].startswith("1 since ")
    assert _rows(world.state / "claims.sqlite") == 1


def test_alerts_with_the_token_from_before_a_rotation_are_told_once_an_hour(
    tmp_path: Path,
) -> None:
    old = "functional-hook-secret-of-before"
    env = {
        "WEBHOOK_SECRET_TOKEN_OLD": old,
        "WEBHOOK_SECRET_TOKEN_OLD_UNTIL": "2099-12-02T15:30:00+05:30",
    }
    clock = SharedClock(tmp_path / "clock")
    with worlds(tmp_path / "state", env=env, clock=clock) as (world,):
        world.secrets.append(old)

        def told(token: str) -> list[str]:
            """Send an alert, which finds nobody logged in; return what was told."""
            alert = {"action": "EXIT", "symbol": "ALL", "strategy": uuid4().hex}
            reply = world.post("/webhook", {**alert, "token": token})
            assert reply.status_code in (400, 424, 503), reply.text
            notices = world.phone.notices
            return [n["message"] for n in notices if n["event"] == "old_secret"]

        assert told(HOOK_SECRET) == []
        for _ in range(5):  # a busy machine may not bring it out in the reply's time
            if told(old):
                break
            clock.move(61)
        (message,) = told(old)
    assert re.match(r"\d since \d\d:\d\d: alerts with the webhook token", message)
    assert "in TradingView before Wed 02 Dec 15:30 IST" in message
    assert old not in message


def test_a_misconfigured_webhook_tells_once_an_hour_what_is_wrong(
    tmp_path: Path,
) -> None:
    with worlds(tmp_path, env={"WEBHOOK_MAX_QTY": "two"}) as (world,):
        for _ in range(5):
            assert world.post("/webhook", {"token": "guess"}).status_code == 500
        (notice,) = world.phone.notices
    assert (notice["event"], notice["severity"]) == ("misconfigured", "CRITICAL")
    assert "WEBHOOK_MAX_QTY must be a number" in notice["message"]
