"""The login steps over the simulated FYERS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from shared.adapters.fyers.login import FyersLogin
from shared.adapters.fyers.pace import Pace
from shared.adapters.fyers.transport import Transport
from shared.broker import Granted, LoginQueue, LoginRefused
from shared.models import Secret, Token
from simulator import Options, Simulator
from tests.contract.fyers.conftest import within

REDIRECT = "http://127.0.0.1:1/generate-token"


@pytest.fixture
def fyers() -> Iterator[Simulator]:
    simulator = Simulator(Options(rate_limits=False))
    simulator.start()
    yield simulator
    simulator.stop()


FREE = Pace(0, time.monotonic, time.sleep)


@pytest.fixture
def login(fyers: Simulator) -> FyersLogin:
    options = fyers.options
    return FyersLogin(
        Transport(options.app_id, fyers.url, time.monotonic),
        options.app_id,
        Secret(options.secret),
        REDIRECT,
        Secret(options.pin),
        FREE,
        FREE,
        FREE,
    )


def exchange(login: FyersLogin, code: Secret) -> Granted:
    with login.begin(LoginQueue.OWNER, within()) as entry:
        return entry.exchange(code)


def test_the_page_is_fyers_own(login: FyersLogin) -> None:
    reply = requests.get(login.page("signed+state/="), timeout=5)

    assert (reply.status_code, reply.headers["content-type"][:9]) == (200, "text/html")


def test_a_code_brings_a_token_of_its_owner(
    fyers: Simulator, login: FyersLogin
) -> None:
    code = Secret(fyers.auth.auth_code(fyers.options.fy_id))
    granted = exchange(login, code)

    assert login.owner(granted.access, within()) == fyers.options.fy_id


def test_a_code_works_once(fyers: Simulator, login: FyersLogin) -> None:
    code = Secret(fyers.auth.auth_code(fyers.options.fy_id))
    exchange(login, code)

    with pytest.raises(LoginRefused):
        exchange(login, code)


def test_a_refresh_is_refused_as_it_is_since_april_2026(
    fyers: Simulator, login: FyersLogin
) -> None:
    with pytest.raises(LoginRefused) as caught:
        login.refresh(_token(fyers), within())
    assert caught.value.code == -16


def test_a_refresh_that_is_allowed_brings_a_token(
    fyers: Simulator, login: FyersLogin
) -> None:
    fyers.options.refresh_allowed = True
    granted = login.refresh(_token(fyers), within())

    assert login.owner(granted.access, within()) == fyers.options.fy_id


def test_a_token_that_ended_has_no_owner(fyers: Simulator, login: FyersLogin) -> None:
    token = _token(fyers)
    fyers.auth.end_tokens()

    with pytest.raises(LoginRefused):
        login.owner(token.access, within())


def _token(fyers: Simulator) -> Token:
    issued = fyers.login()
    now = datetime.now(UTC)
    return Token(
        Secret(issued["access_token"]), Secret(issued["refresh_token"]), now, now, ""
    )
