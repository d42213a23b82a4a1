"""The way out: bounded, recorded, silent, and safe from several threads."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.adapters.fyers.outcomes import never_opened
from shared.adapters.fyers.transport import (
    CONNECTIONS,
    Answered,
    Failed,
    Record,
    Transport,
    load_sdk,
)
from shared.broker import Unreadable
from shared.models import Deadline, Secret
from tests.contract.fyers import loopback
from tests.contract.fyers.conftest import APP_ID, Desk, within
from tests.contract.fyers.loopback import Behaviour, Loopback, error, page, says
from tests.contract.loopback import Loopback as TlsLoopback
from tests.contract.loopback import request_head, self_signed
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until

OK = says(200, {"s": "ok", "code": 200, "message": "", "netPositions": []})


def positions(
    transport: Transport, token: str = "t", deadline: Deadline | None = None
) -> Record:
    return transport.ask(
        lambda fyers: fyers.positions(), Secret(token), deadline or within()
    )


def test_a_reply_is_recorded_whole(desk: Desk) -> None:
    desk.server.script = [says(429, {"s": "error"}, Retry_After="1")]
    record = positions(desk.transport)

    assert isinstance(record, Answered)
    assert (record.status, record.body) == (429, b'{"s": "error"}')
    assert record.headers["retry-after"] == "1"


def test_a_record_shows_neither_body_nor_headers(desk: Desk) -> None:
    desk.server.script = [says(200, {"access_token": "hush"}, X_Secret="hush")]

    assert "hush" not in repr(positions(desk.transport))


def test_a_failure_does_not_change_an_earlier_record(desk: Desk) -> None:
    desk.server.script = [error(400, -50, "first"), loopback.reset]
    first = positions(desk.transport)
    positions(desk.transport)

    assert isinstance(first, Answered)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(desk: Desk, status: int) -> None:
    desk.server.script = [page(status, b"", headers={"Location": "/data/quotes"}), OK]
    record = desk.transport.ask(
        lambda fyers: fyers.place_order({}), Secret("t"), within()
    )

    assert isinstance(record, Answered)
    assert record.status == status
    assert len(desk.server.requests) == 1


@pytest.mark.parametrize(
    "behaviour", [loopback.hang, loopback.drip, loopback.half_body]
)
def test_a_call_ends_by_its_deadline(desk: Desk, behaviour: Behaviour) -> None:
    desk.server.script = [behaviour]
    with Stopwatch() as took:
        record = positions(desk.transport, deadline=within(0.3))

    assert isinstance(record, Failed)
    assert took.seconds < 0.6


def test_a_netrc_entry_does_not_replace_the_token(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    desk.server.script = [OK]
    positions(desk.transport, "mine")
    desk.transport.post("/validate-authcode", {}, within())
    call, post = desk.server.requests

    assert call.headers["authorization"] == f"{APP_ID}:mine"
    assert "authorization" not in post.headers


def test_a_proxy_in_the_environment_is_not_used(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    desk.server.script = [OK]

    assert isinstance(positions(desk.transport), Answered)


def test_over_tls_a_trusted_server_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path / "tls.pem")
    monkeypatch.setattr("certifi.where", lambda: str(certificate))

    def answer(peer: socket.socket, over: threading.Event) -> None:
        request_head(peer)
        OK(peer, over)

    server = TlsLoopback(answer, certificate)
    transport = Transport(APP_ID, f"https://127.0.0.1:{server.port}", time.monotonic)
    record = positions(transport)
    server.close()

    assert isinstance(record, Answered)


def test_over_tls_a_strange_certificate_is_a_failure_that_proves_nothing(
    tmp_path: Path,
) -> None:
    heard: list[bytes] = []
    server = TlsLoopback(
        lambda peer, over: heard.append(request_head(peer)),
        self_signed(tmp_path / "tls.pem"),
    )
    transport = Transport(APP_ID, f"https://127.0.0.1:{server.port}", time.monotonic)
    record = positions(transport)
    server.close()

    assert isinstance(record, Failed)
    assert not never_opened(record.error)
    assert heard == []


def test_fyers_sees_what_the_sdks_own_session_says_of_itself(desk: Desk) -> None:
    desk.server.script = [OK]
    positions(desk.transport)
    own = requests.utils.default_headers()
    sent = desk.server.requests[0].headers

    assert {name.lower(): sent[name.lower()] for name in own} == {
        name.lower(): value for name, value in own.items()
    }


def test_a_post_without_a_token_carries_no_authorization(desk: Desk) -> None:
    desk.server.script = [OK]
    positions(desk.transport, "earlier")
    desk.transport.post("/validate-authcode", {"code": "c"}, within())
    sent = desk.server.requests[1]

    assert (sent.path, sent.json) == ("/api/v3/validate-authcode", {"code": "c"})
    assert "authorization" not in sent.headers


def test_threads_at_once_keep_their_tokens_apart(server: Loopback) -> None:
    transport = Transport(APP_ID, server.url, time.monotonic)
    together = threading.Barrier(16)
    server.script = [page(200, b"{}")]

    def call(number: int) -> None:
        def quotes(fyers: Any) -> None:
            together.wait(10)
            fyers.quotes({"symbols": f"S{number}"})

        transport.ask(quotes, Secret(f"token-{number}"), within(10))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(call, range(16)))

    sent = {
        request.path.rpartition("=")[2]: request.headers["authorization"]
        for request in server.requests
    }
    assert sent == {f"S{n}": f"{APP_ID}:token-{n}" for n in range(16)}


def test_threads_at_once_keep_their_records_apart(server: Loopback) -> None:
    transport = Transport(APP_ID, server.url, time.monotonic)
    together = threading.Barrier(2)
    server.script = [OK, loopback.reset]

    def call(_: int) -> Record:
        def read(fyers: Any) -> None:
            fyers.positions()
            together.wait(10)

        return transport.ask(read, Secret("t"), within(10))

    with ThreadPoolExecutor(2) as threads:
        records = list(threads.map(call, range(2)))

    assert {type(record) for record in records} == {Answered, Failed}


def test_a_failure_in_one_thread_leaves_the_others_alone(server: Loopback) -> None:
    transport = Transport(APP_ID, server.url, time.monotonic)
    server.script = [OK, loopback.reset] * 20 + [OK]

    with ThreadPoolExecutor(8) as threads:
        records = list(threads.map(lambda _: positions(transport), range(40)))

    kinds = sorted(type(record).__name__ for record in records)
    assert kinds == ["Answered"] * 20 + ["Failed"] * 20


def test_connections_are_kept_and_used_again(desk: Desk) -> None:
    desk.server.script = [OK]
    for _ in range(5):
        positions(desk.transport)

    assert desk.server.connections == 1


def test_as_many_calls_at_once_as_alerts_need_keep_their_connections(
    server: Loopback,
) -> None:
    transport = Transport(APP_ID, server.url, time.monotonic)
    together = threading.Barrier(CONNECTIONS)

    def answer(peer: socket.socket, over: threading.Event) -> object:
        together.wait(10)
        return OK(peer, over)

    server.script = [answer]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for _ in range(2):
            list(
                threads.map(
                    lambda _: positions(transport, deadline=within(10)),
                    range(CONNECTIONS),
                )
            )

    assert server.connections == CONNECTIONS


def test_opening_connects_twice_without_any_request(desk: Desk) -> None:
    desk.broker.open()
    until(lambda: desk.server.connections == 2)

    assert desk.server.requests == []


def test_opening_again_opens_nothing_more(desk: Desk) -> None:
    desk.server.script = [OK]
    desk.broker.open()
    desk.broker.open()
    positions(desk.transport)
    positions(desk.transport)
    until(lambda: desk.server.connections >= 2)

    assert desk.server.connections == 2


def test_opening_where_nobody_listens_is_unreadable(server: Loopback) -> None:
    desk = Desk(server)
    server.close()

    with pytest.raises(Unreadable):
        desk.broker.open()


def test_a_connection_the_server_closed_while_idle_is_replaced(desk: Desk) -> None:
    desk.server.script = [OK]
    positions(desk.transport)
    desk.server.hang_up()

    assert isinstance(positions(desk.transport), Answered)


def test_the_sdk_leaves_no_file_and_no_log(
    server: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    caplog.set_level(logging.DEBUG, "FyersAPI")
    transport = Transport(APP_ID, server.url, time.monotonic)
    server.script = [error(400, -50, "Invalid input"), loopback.reset]
    positions(transport)
    positions(transport)

    assert list(tmp_path.iterdir()) == []
    assert [r for r in caplog.records if r.name.startswith("Fyers")] == []


def test_two_transports_keep_their_base_urls() -> None:
    one, two = Loopback([OK]), Loopback([OK])
    first = Transport(APP_ID, one.url, time.monotonic)
    Transport(APP_ID, two.url, time.monotonic)
    positions(first)
    one.close()
    two.close()

    assert (len(one.requests), len(two.requests)) == (1, 0)


def test_loading_the_sdk_leaves_the_process_as_it_was() -> None:
    script = (
        "import builtins, requests, sys\n"
        "from shared.adapters.fyers.transport import load_sdk\n"
        "before, plain = set(sys.modules), builtins.__import__\n"
        "load_sdk()\n"
        "added = set(sys.modules) - before\n"
        "heavy = ('fyers_apiv3.', 'aiohttp', 'aws_lambda_powertools')\n"
        "assert not [name for name in added if name.startswith(heavy)], added\n"
        "assert builtins.__import__ is plain\n"
        "import aiohttp, aws_lambda_powertools\n"
        "assert aiohttp.ClientSession and aws_lambda_powertools.Logger\n"
        "from fyers_apiv3 import fyersModel\n"
        "assert fyersModel.aiohttp is aiohttp\n"
        "assert fyersModel.Config.API == 'https://api-t1.fyers.in/api/v3'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""


def test_the_loaded_sdk_is_the_installed_one() -> None:
    from fyers_apiv3 import fyersModel

    assert load_sdk().__file__ == fyersModel.__file__


def test_a_missing_sdk_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(ImportError, match="fyers_apiv3"):
        load_sdk()
