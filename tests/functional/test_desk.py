"""The desk over HTTP: who gets in, what a tap needs, and what it does."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.desk import Tickets
from shared.models import Secret
from tests.functional.desk import Desk, desks
from tests.functional.login_world import APP_SECRET, HOOK_SECRET, World, worlds
from tests.functional.owner import Owner


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(
        tmp_path_factory.mktemp("desk"), env={"MAX_ENTRIES_PER_DAY": "10"}
    ) as desk:
        yield desk


@pytest.fixture
def world(desk: Desk) -> World:
    desk.clear()
    with contextlib.closing(_store(desk.world)) as db, db:
        db.execute("DELETE FROM documents")
    return desk.world


@pytest.fixture
def owner(world: World) -> Owner:
    owner = Owner(world)
    assert owner.log_in().status_code == 200
    return owner


def _store(world: World) -> sqlite3.Connection:
    return sqlite3.connect(world.state / "claims.sqlite", timeout=5)


def _documents(world: World, collection: str) -> list[tuple[str, str]]:
    with contextlib.closing(_store(world)) as db:
        return db.execute(
            "SELECT key, document FROM documents WHERE collection = ?", (collection,)
        ).fetchall()


# --- Getting in -----------------------------------------------------------------------


def test_a_login_ends_on_the_desk_at_a_clean_address(world: World) -> None:
    owner = Owner(world)
    address = owner.ticket()
    assert address.startswith(f"{world.url}/desk?ticket=")
    entered = owner.get(address)
    assert (entered.status_code, entered.headers["Location"]) == (303, owner.url)
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith("desk=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = owner.page()
    assert page.status_code == 200
    assert "Nothing is open." in page.text


def test_behind_tls_the_cookie_is_the_hosts_own_and_secure(tmp_path: Path) -> None:
    with worlds(tmp_path, env={"DESK_URL": "https://desk.example"}) as (world,):
        ticket = Tickets(Secret(APP_SECRET), _now).issue(_now() + timedelta(hours=8))
        entered = Owner(world).page(f"?ticket={ticket}")
    assert entered.headers["Location"] == "https://desk.example"
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith("__Host-desk=")
    assert "Path=/;" in cookie
    assert " Secure;" in cookie
    assert "Domain" not in cookie


def test_a_session_is_stored_by_its_hash_until_six(owner: Owner) -> None:
    stored = dict(_documents(owner.world, "sessions"))
    assert len(stored) == 2, "the session, and which one is the latest"
    (key,) = (key for key in stored if key != "latest")
    cookie = owner.browser.cookies["desk"]
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert cookie not in json.dumps(stored)
    ends = datetime.fromisoformat(json.loads(stored[key])["expires_at"])
    assert (ends.hour, ends.minute) == (0, 30), "06:00 IST"
    assert ends - datetime.now(UTC) <= timedelta(days=1)


def test_without_a_session_there_is_one_button_and_no_read(world: World) -> None:
    stranger = Owner(world)
    for cookie in ("", "x", "a.b", f"{'0' * 64}.{'A' * 43}"):
        if cookie:
            stranger.browser.cookies.set("desk", cookie, domain="127.0.0.1")
        page = stranger.page()
        assert page.status_code == 401
        assert page.text.count("<a ") == 1
        assert f"{world.url}/auth-url?go=1" in page.text
        assert "<form" not in page.text


def test_without_a_session_a_dead_store_changes_nothing(tmp_path: Path) -> None:
    with worlds(tmp_path) as (world,):
        tmp_path.joinpath("claims.sqlite").mkdir()
        assert Owner(world).page().status_code == 401


def _now() -> datetime:
    return datetime.now(UTC)


def test_a_ticket_opens_the_desk_once(world: World) -> None:
    owner = Owner(world)
    address = owner.ticket()
    assert owner.get(address).status_code == 303
    again = Owner(world).get(address)
    assert again.status_code == 400
    assert "used already" in again.text
    assert "Set-Cookie" not in again.headers


def test_looking_ahead_does_not_use_a_ticket_up(world: World) -> None:
    owner = Owner(world)
    address = owner.ticket()
    assert owner.browser.head(address, timeout=10).status_code == 405
    assert owner.get(address).status_code == 303


def test_a_foreign_fyers_login_opens_nothing(world: World) -> None:
    stranger = Owner(world)
    world.fyers.options.fy_id = "XS99999"
    address = world.redirected()
    page = stranger.get(f"{world.url}{address}")
    assert page.status_code == 400
    assert "Location" not in page.headers
    assert _documents(world, "sessions") == []


def test_a_session_ends_at_logout_at_once(owner: Owner) -> None:
    cookie = owner.browser.cookies["desk"]
    bye = owner.tap("logout")
    assert bye.status_code == 200
    assert "Logged out" in bye.text
    assert "Max-Age=0" in bye.headers["Set-Cookie"]
    stolen = Owner(owner.world)
    stolen.browser.cookies.set("desk", cookie, domain="127.0.0.1")
    assert stolen.page().status_code == 401


def test_a_session_over_at_six_says_so_in_the_middle_of_a_tap(owner: Owner) -> None:
    form = owner.form("pause")
    with contextlib.closing(_store(owner.world)) as db, db:
        for key, text in _documents(owner.world, "sessions"):
            over = {**json.loads(text), "expires_at": _now().isoformat()}
            db.execute(
                "UPDATE documents SET document = ? WHERE key = ?",
                (json.dumps(over), key),
            )
    reply = owner.post(form)
    assert reply.status_code == 401
    assert "Nothing was done" in reply.text
    assert owner.page().status_code == 401
    assert _documents(owner.world, "control") == []


# --- What every page and form carries -------------------------------------------------


@pytest.mark.parametrize("query", ["", "?day=2026-11-20", "?build=1"])
def test_a_page_may_not_be_framed_scripted_or_kept(owner: Owner, query: str) -> None:
    headers = owner.page(query).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_the_front_page_runs_no_script_and_shows_no_secret(owner: Owner) -> None:
    page = owner.page().text
    assert "<script" not in page
    assert "style=" not in page
    for secret in (HOOK_SECRET, APP_SECRET, owner.browser.cookies["desk"]):
        assert secret not in page


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "{own}", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_of_another_page_does_nothing(
    owner: Owner, headers: dict[str, str]
) -> None:
    form = owner.form("pause")
    own = {name: text.format(own=owner.world.url) for name, text in headers.items()}
    reply = owner.post(form, **own)
    assert reply.status_code == 403
    assert _documents(owner.world, "control") == []


def test_the_desks_own_form_is_known_without_its_origin(owner: Owner) -> None:
    form = owner.form("pause")
    reply = owner.post(form, Origin="null", Sec_Fetch_Site="same-origin")
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_a_form_without_the_sessions_token_does_nothing(
    owner: Owner, token: str
) -> None:
    reply = owner.post({**owner.form("pause"), "csrf": token})
    assert reply.status_code == 403
    assert _documents(owner.world, "control") == []


# --- What a tap does ------------------------------------------------------------------


def test_entries_are_paused_and_resumed(owner: Owner, desk: Desk) -> None:
    assert "Done" in owner.tap("pause").text
    paused = owner.page().text
    assert "Entries are paused." in paused
    assert "(by the owner)" in paused
    refused = desk.send("SELL")
    assert (refused.status_code, refused.json()["code"]) == (400, "paused")
    assert "Entries are taken again" in owner.tap("resume").text
    assert desk.send("SELL").status_code == 200


def test_an_exit_closes_the_position_and_a_double_tap_is_one_order(
    owner: Owner, desk: Desk
) -> None:
    assert desk.send("SELL").status_code == 200
    desk.reconcile()
    page = owner.page().text
    assert "1 short open, with stop and target." in page
    assert "1 of 10 entries used." in page
    form = owner.form("exit")
    first, again = owner.post(form), owner.post(form)
    assert first.status_code == again.status_code == 200
    assert "FYERS calls it" in first.text
    assert again.text == first.text
    buys = [row for row in desk.orders() if row["side"] == 1]
    assert len(buys) == 1
    assert desk.state()["positions"][0]["netQty"] == 0


def test_everything_is_closed_by_one_tap(owner: Owner, desk: Desk) -> None:
    assert desk.send("SELL").status_code == 200
    assert desk.send("SELL", optionType="PE").status_code == 200
    reply = owner.tap("exit-all")
    assert reply.status_code == 200
    assert "2 positions are being closed" in reply.text
    assert [row["netQty"] for row in desk.state()["positions"]] == [0, 0]


def test_a_test_notice_reaches_the_phone(owner: Owner) -> None:
    assert "on its way" in owner.tap("test").text
    assert [n["event"] for n in owner.world.phone.notices] == ["test"]


def test_the_day_is_a_csv(owner: Owner, desk: Desk) -> None:
    assert desk.send("SELL").status_code == 200
    reply = owner.page("?csv=1")
    assert reply.headers["Content-Type"].startswith("text/csv")
    header, row = reply.text.strip().splitlines()
    assert header.startswith("received,alert,")
    assert desk.ticker in row


def test_the_desk_never_calls_fyers(owner: Owner, desk: Desk) -> None:
    before = len(owner.world.fyers.calls)
    for query in ("", "?csv=1", "?day=2026-11-20", "?build=1"):
        assert owner.page(query).status_code == 200
    owner.tap("pause")
    owner.tap("test")
    assert len(owner.world.fyers.calls) == before


def test_a_silent_store_is_a_page_that_says_so(tmp_path: Path) -> None:
    with worlds(tmp_path) as (world,):
        owner = Owner(world)
        assert owner.log_in().status_code == 200
        form = owner.form("pause")
        with contextlib.closing(_store(world)) as db, db:
            db.execute("ALTER TABLE documents RENAME TO gone")
        page, tapped = owner.page(), owner.post(form)
    assert page.status_code == 503
    assert "The desk cannot be shown" in page.text
    assert "stop and target stay at FYERS" in page.text
    assert tapped.status_code == 503
    assert "That may not be done" in tapped.text


def test_an_unreachable_webhook_leaves_the_outcome_open(tmp_path: Path) -> None:
    with worlds(tmp_path, env={"WEBHOOK_URL": "http://127.0.0.1:9/webhook"}) as (
        world,
    ):
        owner = Owner(world)
        owner.log_in()
        reply = owner.tap("exit-all")
    assert reply.status_code == 503
    assert "may have gone out" in reply.text


def test_the_alert_builder_is_a_page_without_secrets(owner: Owner) -> None:
    reply = owner.page("?build=1&symbol=BANKNIFTY&strikeprice=OTM1&token=x")
    assert reply.status_code == 200
    assert "Sells 1 lot" in reply.text
    assert "BANKNIFTY OTM1 CE" in reply.text
    assert HOOK_SECRET not in reply.text
    assert APP_SECRET not in reply.text
    assert "script-src 'sha256-" in reply.headers["Content-Security-Policy"]


def test_the_alert_builder_needs_a_session(world: World) -> None:
    assert Owner(world).page("?build=1").status_code == 401


def test_the_alert_builder_says_that_there_are_no_symbols(tmp_path: Path) -> None:
    with worlds(tmp_path) as (world,):
        owner = Owner(world)
        owner.log_in()
        reply = owner.page("?build=1")
    assert reply.status_code == 503
    assert "no symbol snapshot" in reply.text.lower()
