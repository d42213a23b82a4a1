"""FYERS's login steps over a scripted server."""

from __future__ import annotations

import contextlib
import hashlib
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.adapters.fyers.login import FyersLogin
from shared.adapters.fyers.pace import Pace
from shared.adapters.fyers.transport import Transport
from shared.broker import Granted, LoginQueue, LoginRefused, Unreadable
from shared.models import Deadline, Secret, Token
from tests.contract.fyers import loopback
from tests.contract.fyers.conftest import APP_ID, token, within
from tests.contract.fyers.loopback import Behaviour, Loopback, error, page, says
from tests.support.stopwatch import Stopwatch

SECRET, PIN, CODE = "app&secret", "4321", "eyJhbGciOi.code.sig"
HASH = hashlib.sha256(f"{APP_ID}:{SECRET}".encode()).hexdigest()
REDIRECT = "https://example.com/generate-token?a=1&b=ü"
GRANT = {"s": "ok", "code": 200, "message": "", "access_token": "A"}
LOGIN = Token(
    Secret("eyJ.old.access"),
    Secret("eyJ.old.refresh"),
    token("t").issued_at,
    token("t").expires_at,
    "XX00001",
)


def make(url: str, pin: str = PIN, others: int = 0) -> FyersLogin:
    transport = Transport(APP_ID, url, time.monotonic)
    free = Pace(0, time.monotonic, time.sleep)
    slow = Pace(others, time.monotonic, time.sleep)
    secrets = Secret(SECRET), REDIRECT, Secret(pin)
    return FyersLogin(transport, APP_ID, *secrets, free, free, slow)


def exchange(
    login: FyersLogin,
    code: str,
    deadline: Deadline,
    queue: LoginQueue = LoginQueue.OWNER,
) -> Granted:
    with login.begin(queue, deadline) as entry:
        return entry.exchange(Secret(code))


@pytest.fixture
def login(server: Loopback) -> FyersLogin:
    return make(server.url)


def test_the_page_carries_app_redirect_and_state_encoded() -> None:
    address = urlsplit(make("https://fyers.invalid").page("a.b/c+d==&x"))

    assert address.path == "/api/v3/generate-authcode"
    assert parse_qs(address.query) == {
        "client_id": [APP_ID],
        "redirect_uri": [REDIRECT],
        "response_type": ["code"],
        "state": ["a.b/c+d==&x"],
    }


def test_the_page_holds_no_secret() -> None:
    page = make("https://fyers.invalid").page("state")

    assert not any(secret in page for secret in ("secret", PIN, HASH))


def test_a_code_is_exchanged_for_tokens(server: Loopback, login: FyersLogin) -> None:
    server.script = [says(200, GRANT | {"refresh_token": "R"})]

    assert exchange(login, CODE, within()) == Granted(Secret("A"), Secret("R"))


def test_a_code_goes_with_the_hash_and_without_authorization(
    server: Loopback, login: FyersLogin
) -> None:
    server.script = [says(200, GRANT)]
    exchange(login, CODE, within())
    sent = server.requests[0]

    assert (sent.method, sent.path) == ("POST", "/api/v3/validate-authcode")
    assert sent.json == {
        "grant_type": "authorization_code",
        "appIdHash": HASH,
        "code": CODE,
    }
    assert "authorization" not in sent.headers


@pytest.mark.parametrize("refresh", [{}, {"refresh_token": ""}, {"refresh_token": 1}])
def test_a_grant_may_lack_a_refresh_token(
    server: Loopback, login: FyersLogin, refresh: dict[str, object]
) -> None:
    server.script = [says(200, GRANT | refresh)]

    assert exchange(login, CODE, within()).refresh is None


def test_a_refresh_goes_with_hash_token_and_pin(
    server: Loopback, login: FyersLogin
) -> None:
    server.script = [says(200, GRANT)]

    assert login.refresh(LOGIN, within()) == Granted(Secret("A"), None)
    assert server.requests[0].path == "/api/v3/validate-refresh-token"
    assert server.requests[0].json == {
        "grant_type": "refresh_token",
        "appIdHash": HASH,
        "refresh_token": "eyJ.old.refresh",
        "pin": PIN,
    }


def test_without_a_refresh_token_nothing_is_asked(
    server: Loopback, login: FyersLogin
) -> None:
    bare = Token(LOGIN.access, None, LOGIN.issued_at, LOGIN.expires_at, "XX00001")

    with pytest.raises(LoginRefused) as caught:
        login.refresh(bare, within())
    assert (caught.value.code, server.requests) == (0, [])


def test_without_a_pin_nothing_is_asked(server: Loopback) -> None:
    with pytest.raises(LoginRefused) as caught:
        make(server.url, pin="").refresh(LOGIN, within())
    assert (caught.value.code, server.requests) == (0, [])


DISABLED = "Refresh token API is currently disabled to comply with SEBI regulations"


@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [
        (error(200, -437, "invalid auth code"), -437, "invalid auth code"),
        (error(400, -5, "invalid app id hash"), -5, "invalid app id hash"),
        (error(401, -16, DISABLED), -16, DISABLED),
        (error(200, -371, f"bad {SECRET} {CODE}"), -371, "bad *** ***"),
        (error(403, -373, ""), -373, ""),
    ],
)
def test_fyers_refuses_a_code_in_its_own_words(
    server: Loopback, login: FyersLogin, behaviour: Behaviour, code: int, reason: str
) -> None:
    server.script = [behaviour]

    with pytest.raises(LoginRefused) as caught:
        exchange(login, CODE, within())
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_a_refused_refresh_names_neither_token_nor_pin(
    server: Loopback, login: FyersLogin
) -> None:
    echo = f"pin {PIN} of {'x' * 280} eyJ.old.refresh is wrong"
    server.script = [error(400, -16, echo)]

    with pytest.raises(LoginRefused) as caught:
        login.refresh(LOGIN, within())
    assert PIN not in str(caught.value)
    assert "eyJ" not in str(caught.value)


NO_ANSWER = [
    page(502, b"<html>"),
    page(200, b""),
    page(200, b'{"s":"ok"', length=100),
    error(500, -99, "Something went wrong. Please contact support"),
    error(429, -429, "Request limit reached, refresh after few mins"),
    says(200, {"s": "ok", "code": 200, "message": ""}),
    says(200, GRANT | {"access_token": ""}),
    loopback.reset,
    loopback.hang,
]


@pytest.mark.parametrize("behaviour", NO_ANSWER)
def test_a_code_without_a_usable_answer_is_unreadable(
    server: Loopback, login: FyersLogin, behaviour: Behaviour
) -> None:
    server.script = [behaviour]

    with pytest.raises(Unreadable):
        exchange(login, CODE, within(0.3))
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", NO_ANSWER)
def test_a_refresh_without_a_usable_answer_is_no_refusal(
    server: Loopback, login: FyersLogin, behaviour: Behaviour
) -> None:
    server.script = [behaviour]

    with pytest.raises(Unreadable):
        login.refresh(LOGIN, within(0.3))


def test_the_owner_is_the_profiles_client(server: Loopback, login: FyersLogin) -> None:
    server.script = [says(200, {"s": "ok", "code": 200, "data": {"fy_id": "XX00001"}})]

    assert login.owner(Secret("A"), within()) == "XX00001"
    assert server.requests[0].path == "/api/v3/profile"
    assert server.requests[0].headers["authorization"] == f"{APP_ID}:A"


def test_an_owner_asked_with_a_bad_token_is_refused(
    server: Loopback, login: FyersLogin
) -> None:
    server.script = [error(401, -17, "Could not authenticate the user")]

    with pytest.raises(LoginRefused) as caught:
        login.owner(Secret("A"), within())
    assert caught.value.code == -17


@pytest.mark.parametrize("data", [None, {}, {"fy_id": ""}, {"fy_id": 1}, []])
def test_a_profile_without_a_client_is_unreadable(
    server: Loopback, login: FyersLogin, data: object
) -> None:
    server.script = [says(200, {"s": "ok", "code": 200, "data": data})]

    with pytest.raises(Unreadable):
        login.owner(Secret("A"), within())


def test_one_of_the_others_is_let_in_a_second_and_the_owner_at_once() -> None:
    login = make("http://127.0.0.1:1", others=1)
    soon = Deadline(time.monotonic() + 0.5, time.monotonic)
    with contextlib.suppress(Unreadable):
        exchange(login, CODE, soon, LoginQueue.OTHERS)
    with pytest.raises(Unreadable, match="rate limit"):
        exchange(login, CODE, soon, LoginQueue.OTHERS)
    with Stopwatch() as took, login.begin(LoginQueue.OWNER, soon):
        left = soon.left()
    assert left + took.waited > 0.4


def test_no_more_than_two_of_the_others_wait_at_a_time() -> None:
    login = make("http://127.0.0.1:1")
    with (
        login.begin(LoginQueue.OTHERS, within()),
        login.begin(LoginQueue.OTHERS, within()),
    ):
        with pytest.raises(Unreadable), login.begin(LoginQueue.OTHERS, within()):
            pass
        with login.begin(LoginQueue.OWNER, within()):
            pass
    with login.begin(LoginQueue.OTHERS, within()):
        pass
