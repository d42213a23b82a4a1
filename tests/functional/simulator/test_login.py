"""Logging in: pages, codes, tokens and their refusals."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from simulator import Simulator
from simulator.options import IST
from tests.functional.simulator.conftest import APP, Client, said

REDIRECT = "http://127.0.0.1:1/back"


def login_form(sim: Simulator, **fields: str) -> requests.Response:
    form = {
        "client_id": APP,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "state": "a b&c",
        **fields,
    }
    address = f"{sim.url}/api/v3/generate-authcode"
    return requests.post(address, data=form, timeout=5, allow_redirects=False)


def came_back(reply: requests.Response) -> dict[str, str]:
    query = parse_qs(urlsplit(reply.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def exchanged(sim: Simulator, **changes: str) -> requests.Response:
    body = {
        "grant_type": "authorization_code",
        "appIdHash": sim.auth.app_id_hash,
        "code": sim.auth.auth_code("XS00001"),
        **changes,
    }
    return requests.post(f"{sim.url}/api/v3/validate-authcode", json=body, timeout=5)


def claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    padded = middle + "=" * (-len(middle) % 4)
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return found


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        ({}, ['id="fy_id"', 'id="continue"', "simulator", 'id="deny"']),
        ({"fy_id": "XS00001"}, ['id="pin"', 'id="login"', "simulator"]),
        ({"fy_id": "WRONG"}, ['id="fy_id"', 'id="error"']),
        ({"fy_id": "XS00001", "pin": "9999"}, ['id="pin"', 'id="error"']),
    ],
    ids=["first step", "second step", "wrong id", "wrong pin"],
)
def test_the_login_page_asks(
    sim: Simulator, fields: dict[str, str], marks: list[str]
) -> None:
    page = login_form(sim, **fields)
    assert page.status_code == 200
    assert [mark for mark in marks if mark not in page.text] == []


def test_the_login_page_escapes_what_it_is_given(sim: Simulator) -> None:
    assert "<script>" not in login_form(sim, state='"><script>').text


def test_a_login_comes_back_with_a_code_and_the_same_state(sim: Simulator) -> None:
    query = came_back(login_form(sim, fy_id="XS00001", pin="1234"))
    assert {**query, "auth_code": ""} == {
        "s": "ok",
        "code": "200",
        "auth_code": "",
        "state": "a b&c",
    }


def test_a_denied_login_comes_back_with_an_error(sim: Simulator) -> None:
    query = came_back(login_form(sim, deny="1"))
    assert (query["s"], query["code"], query["state"]) == ("error", "-99", "a b&c")


@pytest.mark.parametrize(
    "fields",
    [{"client_id": "OTHER-100"}, {"redirect_uri": "javascript:alert(1)"}],
    ids=["app", "redirect"],
)
def test_a_wrong_login_link_is_refused(sim: Simulator, fields: dict[str, str]) -> None:
    assert login_form(sim, **fields).status_code == 400


def test_only_the_registered_redirect_is_taken(sim: Simulator) -> None:
    sim.options.redirect_uri = "https://elsewhere.example/back"
    assert login_form(sim).status_code == 400


def test_a_code_becomes_a_token_of_the_user_until_six(sim: Simulator) -> None:
    code = came_back(login_form(sim, fy_id="XS00001", pin="1234"))["auth_code"]
    token = claims(exchanged(sim, code=code).json()["access_token"])
    ends = datetime.fromtimestamp(token["exp"], IST)
    assert (token["fy_id"], token["sub"], f"{ends:%H:%M}") == (
        "XS00001",
        "access_token",
        "06:00",
    )


def test_a_code_lives_eight_hours_twenty(sim: Simulator) -> None:
    code = claims(sim.auth.auth_code("XS00001"))
    assert code["exp"] - code["iat"] == 30_000


def test_a_code_works_once(sim: Simulator) -> None:
    code = sim.auth.auth_code("XS00001")
    exchanged(sim, code=code)
    assert said(exchanged(sim, code=code)) == (200, -437, "invalid auth code")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"appIdHash": "0" * 64}, (200, -5, "invalid app id hash")),
        (
            {"appIdHash": ""},
            (400, -371, "Please provide sha256 hash of appId and app secret"),
        ),
        ({"code": ""}, (400, -374, "Please provide auth code")),
        ({"code": "a.b.c"}, (200, -437, "invalid auth code")),
        ({"grant_type": "password"}, (400, -50, "Invalid input")),
    ],
    ids=str,
)
def test_a_wrong_exchange_is_refused(
    sim: Simulator, changes: dict[str, str], answer: tuple[int, int, str]
) -> None:
    assert said(exchanged(sim, **changes)) == answer


def refreshed(sim: Simulator, pin: str = "1234") -> requests.Response:
    body = {
        "grant_type": "refresh_token",
        "appIdHash": sim.auth.app_id_hash,
        "refresh_token": sim.login()["refresh_token"],
        "pin": pin,
    }
    address = f"{sim.url}/api/v3/validate-refresh-token"
    return requests.post(address, json=body, timeout=5)


def test_a_refresh_is_refused_by_regulation(sim: Simulator) -> None:
    assert said(refreshed(sim)) == (
        200,
        -16,
        "Refresh token API is currently disabled to comply with SEBI regulations",
    )


def test_a_refresh_can_be_allowed(sim: Simulator) -> None:
    sim.options.refresh_allowed = True
    assert "access_token" in refreshed(sim).json()


def test_a_refresh_wants_the_pin(sim: Simulator) -> None:
    sim.options.refresh_allowed = True
    assert refreshed(sim, pin="0000").json()["s"] == "error"


NOT_AUTHENTICATED = "Could not authenticate the user"


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/data/quotes?symbols=NSE:NIFTY50-INDEX", -15, "Please provide valid token"),
        ("/api/v3/orders", -16, NOT_AUTHENTICATED),
        ("/api/v3/positions", -16, NOT_AUTHENTICATED),
        ("/api/v3/funds", -16, NOT_AUTHENTICATED),
        ("/api/v3/tradebook", -16, NOT_AUTHENTICATED),
        ("/api/v3/profile", -17, NOT_AUTHENTICATED),
    ],
)
def test_each_endpoint_refuses_a_wrong_token_in_its_own_words(
    client: Client, path: str, code: int, message: str
) -> None:
    reply = client("GET", path, headers={"Authorization": f"{APP}:nonsense"})
    assert said(reply) == (401, code, message)


def test_a_header_without_a_token_is_refused(client: Client) -> None:
    reply = client("GET", "/api/v3/profile", headers={"Authorization": "nonsense"})
    assert said(reply) == (401, -209, "Please provide the validation parameter")


def test_another_app_is_refused(client: Client) -> None:
    reply = client("GET", "/api/v3/orders", headers={"Authorization": "OTHER-100:x"})
    assert said(reply) == (401, -352, "Please provide a valid app id.")


def test_an_ended_token_is_expired(client: Client) -> None:
    client.control("state", {"expire_tokens": True})
    assert said(client("GET", "/api/v3/profile")) == (
        401,
        -8,
        "Your token has expired. Please generate a token",
    )


def test_a_token_issued_after_the_end_is_good(sim: Simulator) -> None:
    sim.auth.end_tokens()
    assert Client(sim)("GET", "/api/v3/profile").status_code == 200


def test_the_profile_names_the_user(client: Client) -> None:
    assert client("GET", "/api/v3/profile").json()["data"]["fy_id"] == "XS00001"
