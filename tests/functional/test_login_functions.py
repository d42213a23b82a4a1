from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests

from local.deploying import watch
from local.standins import fyers
from simulator import Fault
from tests.functional.login_world import (
    HOOK_SECRET,
    World,
    leaked,
    tomorrow_six,
    worlds,
)

UNPACED = {"FYERS_CALLS_PER_SECOND": "0"}
"""A login waits for its place, and many tests log in."""

LONG_AGO = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with worlds(tmp_path_factory.mktemp("login"), env=UNPACED) as (world,):
        yield world


@pytest.fixture
def world(_served: World) -> Iterator[World]:
    """Yield one set of functions, as nobody had ever logged in or been told."""
    for path in _served.state.iterdir():
        if path.name == "tokens":
            shutil.rmtree(path)
    _served.fyers.reset()
    _served.phone.notices.clear()
    yield _served
    _served.stored()  # every token that was ever stored is looked for in the logs


@pytest.fixture
def morning(tmp_path: Path) -> Iterator[World]:
    """Yield functions whose day has just begun: nobody was told, nothing refused."""
    with worlds(tmp_path, env=UNPACED) as (world,):
        yield world


def test_one_tap_and_fyers_page_end_on_the_desk(world: World) -> None:
    reply = world.get(world.redirected(), browser=True)
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(f"{world.url}/desk?ticket=")
    stored = world.stored()
    assert stored is not None
    assert stored["fy_id"] == world.fyers.options.fy_id
    assert datetime.fromisoformat(stored["expires_at"]) == tomorrow_six()


def test_a_page_carries_its_policy_and_no_referrer(world: World) -> None:
    page = world.get("/auth-url", browser=True)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


def test_a_browser_sees_whether_fyers_is_connected(world: World) -> None:
    assert "<h1>Not connected</h1>" in world.get("/auth-url", browser=True).text
    world.get(world.redirected(), browser=True)
    assert "<h1>Connected</h1>" in world.get("/auth-url", browser=True).text


def test_the_page_does_not_show_the_secret(world: World) -> None:
    assert HOOK_SECRET not in world.get("/auth-url", browser=True).text


def test_a_program_gets_the_address_as_json(world: World) -> None:
    reply = world.get("/auth-url")
    content = reply.json()
    assert content["success"] is True
    address = urlsplit(content["auth_url"])
    query = parse_qs(address.query)
    assert content["auth_url"].startswith(f"{world.fyers.url}/api/v3/generate-authcode")
    assert query["client_id"] == [world.fyers.options.app_id]
    assert query["redirect_uri"] == [f"{world.url}/generate-token"]
    assert query["state"][0]


def test_a_redirect_replayed_is_refused_and_changes_nothing(world: World) -> None:
    address = world.redirected()
    world.get(address, browser=True)
    before = world.token_file.read_bytes()
    page = world.get(address, browser=True)
    assert page.status_code == 400
    assert "used already" in page.text
    assert "/auth-url?go=1" in page.text
    assert world.token_file.read_bytes() == before


def test_many_replays_at_once_reach_fyers_once(world: World) -> None:
    address = world.redirected()
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: world.get(address), range(8)))
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 7
    assert world.calls("/validate-authcode") == 1


def test_a_login_that_failed_at_fyers_says_so(world: World) -> None:
    before = world.store(tomorrow_six())
    page = world.get(world.redirected(deny="1"), browser=True)
    assert page.status_code == 400
    assert "FYERS did not log you in" in page.text
    assert "denied" not in page.text, "anybody may have chosen the words"
    assert world.token_file.read_bytes() == before


@pytest.mark.parametrize("kind", ["html", "reset", "cut", "empty", "error"])
def test_a_broken_answer_of_fyers_changes_nothing(world: World, kind: str) -> None:
    before = world.store(tomorrow_six())
    world.fyers.faults.add(Fault(path="/api/v3/validate-authcode", kind=kind))
    reply = world.post("/generate-token", {"auth_code": world.code()}, HOOK_SECRET)
    assert reply.status_code in (400, 503)
    assert reply.json()["success"] is False
    assert world.token_file.read_bytes() == before


def test_a_login_that_broke_does_not_hold_up_the_next(tmp_path: Path) -> None:
    with worlds(tmp_path) as (world,):
        world.fyers.faults.add(Fault(path="/api/v3/validate-authcode", kind="reset"))
        world.post("/generate-token", {"auth_code": world.code()}, HOOK_SECRET)
        reply = world.post("/generate-token", {"auth_code": world.code()}, HOOK_SECRET)
        assert reply.status_code == 200, reply.text


def test_a_posted_code_logs_in(world: World) -> None:
    reply = world.post("/generate-token", {"auth_code": world.code()}, HOOK_SECRET)
    assert reply.status_code == 200, reply.text
    assert reply.json()["expires_at"] == tomorrow_six().isoformat()
    assert world.stored() is not None


@pytest.mark.parametrize("bearer", ["", "wrong"])
def test_a_posted_code_needs_the_secret(world: World, bearer: str) -> None:
    reply = world.post("/generate-token", {"auth_code": world.code()}, bearer)
    assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")
    assert world.calls("/validate-authcode") == 0


def test_a_preview_of_the_link_uses_nothing_up(world: World) -> None:
    address = world.redirected()
    assert requests.head(f"{world.url}{address}", timeout=10).status_code == 405
    assert world.get(address).status_code == 200


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("/auth-url", "POST", "GET, HEAD"),
        ("/generate-token", "PUT", "GET, POST"),
        ("/refresh-token", "GET", "POST"),
        ("/readyz", "POST", "GET, HEAD"),
    ],
)
def test_other_methods_are_refused(
    world: World, path: str, method: str, allow: str
) -> None:
    reply = requests.request(method, f"{world.url}{path}", timeout=10)
    assert (reply.status_code, reply.headers["Allow"]) == (405, allow)


def test_a_refusal_is_one_notice_with_the_link_and_no_reason_to_retry(
    morning: World,
) -> None:
    morning.store(datetime.now(UTC) - timedelta(hours=1))
    replies = [morning.post("/refresh-token") for _ in range(3)]
    assert {reply.status_code for reply in replies} == {200}
    assert {reply.json()["code"] for reply in replies} == {"login_required"}
    assert morning.calls("/validate-refresh-token") == 1
    (notice,) = morning.phone.notices
    assert f"{morning.url}/auth-url?go=1" in notice["message"]


def test_a_renewal_is_stored(morning: World) -> None:
    before = morning.store(datetime.now(UTC) - timedelta(hours=1))
    morning.fyers.options.refresh_allowed = True
    reply = morning.post("/refresh-token").json()
    assert (reply["success"], reply["message"]) == (True, "token renewed")
    assert reply["expires_at"] == tomorrow_six().isoformat()
    assert morning.token_file.read_bytes() != before


def test_two_processes_told_at_once_that_the_token_died_refresh_once(
    tmp_path: Path,
) -> None:
    with worlds(tmp_path, count=2) as (one, two):
        one.store(datetime.now(UTC) - timedelta(hours=1))
        one.fyers.options.refresh_allowed = True
        refresh = "/api/v3/validate-refresh-token"
        one.fyers.faults.add(Fault(path=refresh, kind="slow", delay=0.4))
        with ThreadPoolExecutor(8) as threads:
            replies = list(
                threads.map(lambda w: w.post("/refresh-token"), [one, two] * 4)
            )
        assert one.calls("/validate-refresh-token") == 1
        assert {reply.status_code for reply in replies} == {200}
        assert {reply.json()["success"] for reply in replies} == {True}


def _alert() -> dict[str, object]:
    return fyers.alert(HOOK_SECRET, 25800, "SELL", datetime.now(UTC))


def test_an_alert_without_a_login_is_424_and_the_owner_is_told(morning: World) -> None:
    morning.post("/refresh-symbols")
    for _ in range(2):
        reply = morning.post("/webhook", _alert() | {"idempotency_key": uuid4().hex})
        assert (reply.status_code, reply.json()["code"]) == (424, "not_logged_in")
    links = [n for n in morning.phone.notices if "?go=1" in n["message"]]
    assert len(links) == 1


def test_a_login_serves_a_webhook_that_runs_already(morning: World) -> None:
    morning.post("/refresh-symbols")
    morning.store(datetime.now(UTC) + timedelta(hours=30))  # FYERS does not know it
    dead = morning.post("/webhook", _alert() | {"idempotency_key": uuid4().hex})
    assert dead.json()["code"] == "not_logged_in"
    assert morning.calls("/validate-refresh-token") == 1
    assert morning.get(morning.redirected()).status_code == 200
    alive = morning.post("/webhook", _alert() | {"idempotency_key": uuid4().hex})
    assert alive.status_code != 424, alive.text


def test_readyz_names_what_fails_and_nothing_else(morning: World) -> None:
    reply = morning.get("/readyz")
    assert reply.status_code == 503
    content = reply.json()
    assert content["ready"] is False
    assert content["checks"] == {
        "settings": {"status": "ok"},
        "store": {"status": "ok"},
        "token": {"status": "failing"},
        "symbols": {"status": "failing"},
        "fyers": {"status": "failing"},
        "notifications": {"status": "ok", "channels": ["none"]},
        "reconcile": {"status": "ok", "last_run": "never"},
        "guard": {"status": "ok"},
    }


def test_readyz_passes_once_everything_is_there_and_spends_one_ping(
    morning: World,
) -> None:
    assert morning.get(morning.redirected()).status_code == 200
    assert morning.post("/refresh-symbols").status_code == 200
    profiles = morning.calls("/profile")
    replies = [morning.get("/readyz") for _ in range(5)]
    content = replies[0].json()
    assert {reply.status_code for reply in replies} == {200}, content
    assert content["checks"]["fyers"] == {"status": "ok"}
    minutes = content["checks"]["token"]["minutes_left"]
    assert abs(minutes - (tomorrow_six() - datetime.now(UTC)).total_seconds() / 60) < 3
    assert content["checks"]["symbols"]["date"]
    assert morning.calls("/profile") == profiles + 1
    assert morning.fyers.options.fy_id not in replies[0].text


def test_a_missing_login_alone_is_no_alarm_of_googles_uptime_check(
    morning: World,
) -> None:
    assert morning.post("/refresh-symbols").status_code == 200
    assert morning.post("/reconcile").status_code == 200
    reply = morning.get("/readyz")
    assert reply.status_code == 503
    assert re.search(watch.matcher(), reply.text), reply.text


def test_symbols_that_are_missing_are_an_alarm(morning: World) -> None:
    assert not re.search(watch.matcher(), morning.get("/readyz").text)


def test_a_reconcile_that_stopped_is_an_alarm_although_somebody_is_logged_in(
    morning: World,
) -> None:
    assert morning.get(morning.redirected()).status_code == 200
    for path in ("/refresh-symbols", "/reconcile"):
        assert morning.post(path).status_code == 200
    file = morning.state / "claims.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as store, store:
        year = f"{datetime.now(UTC):%Y-}"
        store.execute(
            "UPDATE documents SET document = replace(document, ?, '2001-') "
            "WHERE collection = 'guard'",
            (year,),
        )
    reply = morning.get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["checks"]["reconcile"]["status"] == "failing"
    assert not re.search(watch.matcher(), reply.text)


def test_cloud_logging_gets_json_lines_with_the_trace(tmp_path: Path) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    env = {"USE_CLOUD_LOGGING": "true", "GOOGLE_CLOUD_PROJECT": "demo"}
    with worlds(tmp_path, env=env) as (world,):
        world.get("/auth-url")
        requests.get(
            f"{world.url}/auth-url?token=hidden",
            headers={"X-Cloud-Trace-Context": f"{trace}/1;o=1"},
            timeout=10,
        )
        world.get("/auth-url")
    entries = [json.loads(line) for line in world.lines if line.startswith("{")]
    (entry,) = [e for e in entries if e.get("request_id") == trace]
    assert entry["severity"] == "INFO"
    assert entry["logging.googleapis.com/trace"] == f"projects/demo/traces/{trace}"
    assert entry["httpRequest"]["status"] == 200
    assert entry["message"].startswith("GET /auth-url/ 200 in ")


def test_log_execution_id_does_not_lose_or_repeat_lines(tmp_path: Path) -> None:
    with worlds(tmp_path, env={"LOG_EXECUTION_ID": "true"}) as (world,):
        world.get("/auth-url")
        world.get("/auth-url")
    said = [line for line in world.lines if "GET /auth-url/ 200" in line]
    assert len(said) == 2


def test_secrets_put_into_everything_a_caller_sends_reach_no_log(world: World) -> None:
    before = len(world.lines)
    world.stored()
    secret = HOOK_SECRET
    names = ("/auth-url", "/generate-token", "/refresh-token", "/readyz")
    for path in (path for name in names for path in (name, f"{name}/{secret}")):
        for method in ("GET", "POST", "PUT"):
            requests.request(
                method,
                f"{world.url}{path}?token={secret}&auth_code={secret}",
                data=json.dumps({"token": secret, "auth_code": secret, "pin": secret}),
                headers={
                    "Authorization": f"Bearer {secret}",
                    "Cookie": f"token={secret}",
                    "X-Request-Id": f"id-{secret}",
                    "Accept": "text/html",
                    "Content-Type": "application/json",
                },
                timeout=30,
            )
    lines = world.lines[before:]
    assert len(lines) >= 12
    assert leaked(lines, world.secrets) == []


def test_the_search_for_secrets_finds_one() -> None:
    assert leaked(["a", "b hidden-1 c"], ["hidden-1"]) == ["b <SECRET> c"]


def test_without_a_desk_a_login_ends_on_a_page_that_says_so(tmp_path: Path) -> None:
    with worlds(tmp_path, env={"DESK_URL": ""}) as (world,):
        page = world.get(world.redirected(), browser=True)
        connect = world.get("/auth-url", browser=True)
    assert page.status_code == 200
    assert "Connected until 06:00" in page.text
    assert "build=1" not in connect.text
