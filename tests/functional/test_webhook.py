"""Every reply the webhook can give, over HTTP, with the simulator as FYERS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local import serve
from tests.functional.desk import (
    BOOK,
    ORDERS,
    POSITIONS,
    QUOTES,
    Desk,
    desks,
    keep_login,
)
from tests.functional.login_world import worlds
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until


@pytest.fixture(scope="module")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(_desk: Desk) -> Desk:
    _desk.clear()
    return _desk


def said(reply: requests.Response) -> tuple[int, str]:
    """Return status and code, having checked the failure's form."""
    content = reply.json()
    assert content["success"] is False
    assert content["error"]
    assert reply.headers["X-Request-Id"]
    assert content["request_id"]
    return reply.status_code, content["code"]


def test_an_alert_becomes_one_order_with_its_exits(desk: Desk) -> None:
    reply = desk.send()
    content = reply.json()
    (order,) = desk.orders()
    assert reply.status_code == 200
    assert content["success"] is True
    assert content["order_id"] == order["id"]
    assert content["symbol"] == order["symbol"] == desk.ticker
    assert content["qty"] == order["qty"] == desk.lot
    assert content["stop_loss"] > content["ltp"] > content["take_profit"]
    assert content["product_type"] == "INTRADAY"
    legs = [row for row in desk.state()["orders"] if row.get("parentId")]
    assert len(legs) == 2
    assert desk.events == []


def test_a_replay_is_byte_identical_and_marked(desk: Desk) -> None:
    alert = desk.alert()
    first, second = desk.post(alert), desk.post(alert)
    assert second.content == first.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(desk.orders()) == 1


def test_the_key_may_come_as_a_header(desk: Desk) -> None:
    alert = desk.alert(idempotency_key=...)
    for _ in range(2):
        reply = desk.post(alert, headers={"Idempotency-Key": "header-key"})
        assert reply.status_code == 200
    assert len(desk.orders()) == 1


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded"]
)
def test_the_content_type_does_not_matter(desk: Desk, kind: str) -> None:
    reply = desk.post(desk.alert(), headers={"Content-Type": kind})
    assert reply.status_code == 200


def test_a_cover_closes_the_short_and_its_exits(desk: Desk) -> None:
    desk.send()
    reply = desk.send("BUY", productType="WHATEVER", sl="{{x}}", qty=desk.lot * 9)
    assert reply.status_code == 200, reply.text
    assert "cut" in reply.json()["message"]
    rows = desk.state()["orders"]
    assert [row["status"] for row in rows if row.get("parentId")] == [1, 1]
    assert {row["netQty"] for row in desk.state()["positions"]} == {0}


def test_a_long_carries_exits_of_its_own_and_an_exit_closes_it(desk: Desk) -> None:
    content = desk.send("LONG").json()
    assert content["take_profit"] > content["ltp"] > content["stop_loss"]
    assert [row["netQty"] for row in desk.state()["positions"]] == [desk.lot]
    assert desk.send("EXIT").status_code == 200
    rows = desk.state()["orders"]
    assert [row["status"] for row in rows if row.get("parentId")] == [1, 1]
    assert [row["netQty"] for row in desk.state()["positions"]] == [0]


@pytest.mark.parametrize(
    ("changes", "code", "names"),
    [
        ({"symbol": "NIFTEE"}, "unknown_symbol", "NIFTEE"),
        ({"strikeprice": 25801.5}, "unknown_symbol", "25801.5"),
        ({"strikeprice": "x"}, "bad_request", "strikeprice"),
        ({"optionType": "CX"}, "bad_request", "optionType"),
        ({"expiry": "SOON"}, "bad_request", "expiry"),
        ({"expiry": "2026-01-01"}, "unknown_symbol", "2026-01-01"),
        ({"action": "HOLD"}, "bad_request", "action"),
        ({"qty": 64}, "bad_quantity", "lot"),
        ({"qty": 65 * 3}, "bad_quantity", "WEBHOOK_MAX_QTY"),
        ({"sl": 0.05}, "bad_request", "sl"),
        ({"tp": 99999}, "bad_request", "tp"),
        ({"productType": "CNC"}, "bad_request", "productType"),
        ({"qty": "{{strategy.order.contracts}}"}, "bad_request", "qty"),
        ({"strikeprice": float("nan")}, "bad_request", "strikeprice"),
        ({"symbol": None}, "bad_request", "symbol"),
        ({"time": "2026-01-01T00:00:00Z"}, "stale_alert", "time"),
        ({"action": "BUY"}, "no_short_position", "short"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_alert_is_400_and_the_owner_is_told(
    desk: Desk, changes: dict[str, Any], code: str, names: str
) -> None:
    reply = desk.send(**changes)
    assert said(reply) == (400, code)
    assert names in reply.json()["error"]
    assert desk.orders() == []
    assert desk.events == [code]


@pytest.mark.parametrize("mode", ["zero_lp", "no_lp", "error"])
def test_a_contract_without_a_price_is_400(desk: Desk, mode: str) -> None:
    desk.change(quotes={desk.ticker: mode})
    assert said(desk.send()) == (400, "ltp_unavailable")


@pytest.mark.parametrize("token", [..., "", "wrong", None, 5])
def test_a_wrong_secret_is_401_and_nothing_happens(desk: Desk, token: object) -> None:
    assert said(desk.send(token=token, qty="{{")) == (401, "unauthorized")
    assert set(desk.events) <= {"wrong_secret"}, "counted, and told once an hour"
    assert desk.world.fyers.calls == [] or desk.orders() == []


@pytest.mark.parametrize("body", [b"", b"SELL", b"[]", b"{", b"\xff"])
def test_anything_but_a_json_object_is_400(desk: Desk, body: bytes) -> None:
    assert said(desk.post(body)) == (400, "bad_request")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(desk: Desk, method: str) -> None:
    reply = requests.request(method, f"{desk.world.url}/webhook", timeout=10)
    assert said(reply) == (405, "method_not_allowed")
    assert "POST" in reply.headers["Allow"]


def test_a_body_over_64_kb_is_413(desk: Desk) -> None:
    assert said(desk.post(b"x" * 65_537)) == (413, "too_large")


def test_the_largest_body_is_read(desk: Desk) -> None:
    text = json.dumps(desk.alert())
    padded = text + " " * (65_536 - len(text))
    assert desk.post(padded.encode()).status_code == 200


def test_another_body_under_the_key_is_422(desk: Desk) -> None:
    alert = desk.alert()
    desk.post(alert)
    assert said(desk.post(alert | {"qty": desk.lot})) == (422, "key_reused")


def test_a_duplicate_during_the_order_is_409_and_one_after_is_replayed(
    desk: Desk,
) -> None:
    desk.fault("slow", ORDERS, delay=1.0)
    alert = desk.alert()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(desk.post, alert)
        until(lambda: bool(desk.orders()))
        assert said(desk.post(alert)) == (409, "in_progress")
        assert first.result().status_code == 200
    assert desk.post(alert).status_code == 200
    assert len(desk.orders()) == 1


def test_a_duplicate_before_the_order_is_503(desk: Desk) -> None:
    desk.fault("slow", QUOTES, delay=0.9)
    alert, before = desk.alert(), desk.world.calls("/quotes")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(desk.post, alert)
        until(lambda: desk.world.calls("/quotes") > before)
        second = desk.post(alert)
        assert first.result().status_code == 200
    assert said(second) == (503, "unavailable")
    assert len(desk.orders()) == 1


def test_a_refused_order_is_424_and_replayed_as_such(desk: Desk) -> None:
    desk.fault("rms", ORDERS)
    alert = desk.alert()
    reply = desk.post(alert)
    assert said(reply) == (424, "order_rejected")
    again = desk.post(alert)
    assert (again.content, again.status_code) == (reply.content, 424)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert desk.events == ["order_rejected"]


def test_without_a_login_it_is_424(desk: Desk) -> None:
    desk.change(expire_tokens=True)
    try:
        assert said(desk.send()) == (424, "not_logged_in")
    finally:
        keep_login(desk.world)
    assert desk.orders() == []
    assert "not_logged_in" in desk.events
    assert desk.send().status_code == 200


def test_a_lost_reply_is_found_in_the_order_book(desk: Desk) -> None:
    desk.fault("reset", ORDERS)
    assert desk.send().status_code == 200
    assert len(desk.orders()) == 1


def test_a_lost_order_is_202_and_told(desk: Desk) -> None:
    desk.fault("reset", ORDERS, when="before")
    alert = desk.alert()
    assert said(desk.post(alert)) == (202, "outcome_unknown")
    assert said(desk.post(alert)) == (202, "outcome_unknown")
    assert desk.orders() == []
    assert desk.events == ["outcome_unknown"]


def test_a_hanging_order_is_202_within_the_time(desk: Desk) -> None:
    desk.fault("hang", ORDERS)
    with Stopwatch() as took:
        reply = desk.send()
    assert said(reply) == (202, "outcome_unknown")
    assert took.seconds < 2.7


@pytest.mark.parametrize("path", [QUOTES, POSITIONS])
@pytest.mark.parametrize("kind", ["error", "html", "hang", "drip", "empty", "garbage"])
def test_an_unreadable_market_is_503_in_time_and_a_resend_goes_through(
    desk: Desk, path: str, kind: str
) -> None:
    desk.fault(kind, path, times=2, delay=0.2 if kind == "drip" else None)
    alert = desk.alert()
    with Stopwatch() as took:
        reply = desk.post(alert)
    assert said(reply) == (503, "unavailable")
    assert took.seconds < 2.7
    desk.world.fyers.faults.clear()
    assert desk.post(alert).status_code == 200
    assert len(desk.orders()) == 1


def test_an_unreadable_order_book_is_503_for_a_cover(desk: Desk) -> None:
    desk.send()
    desk.fault("html", BOOK, method="GET")
    assert said(desk.send("BUY")) == (503, "unavailable")


def test_a_short_429_is_waited_out(desk: Desk) -> None:
    desk.fault("rate", ORDERS, delay=0.3)
    assert desk.send().status_code == 200
    assert len(desk.orders()) == 1


def test_what_never_happened_is_410(desk: Desk) -> None:
    alert = desk.alert()
    desk.fault("reset", ORDERS, when="before")
    desk.post(alert)
    desk.age(60)
    desk.reconcile()
    assert said(desk.post(alert)) == (410, "not_sent")
    assert desk.events == ["outcome_unknown", "not_sent"]


def test_get_warms_without_calling_fyers(desk: Desk) -> None:
    calls = len(desk.world.fyers.calls)
    reply = desk.world.get("/webhook")
    assert reply.status_code == 200
    assert reply.json()["status"] == "ready"
    assert len(desk.world.fyers.calls) == calls


@pytest.mark.parametrize("check", ["token", "fyers", "symbols"])
def test_get_names_the_failing_check(tmp_path: Path, check: str) -> None:
    dead = "http://127.0.0.1:1"
    env = {"fyers": {"FYERS_BASE_URL": dead}, "symbols": {"SYMBOL_MASTER_URL": dead}}
    with worlds(tmp_path, env=env.get(check)) as (world,):
        reply = world.get("/webhook")
    assert said(reply) == (503, reply.json()["code"])
    assert reply.json()["check"] == check


def test_get_builds_a_missing_snapshot(tmp_path: Path) -> None:
    with worlds(tmp_path) as (world,):
        keep_login(world)
        assert world.get("/webhook").json()["status"] == "ready"
        assert (tmp_path / "symbols" / "NSE_FO.zip").exists()


def test_missing_settings_are_500_and_all_named_in_the_log(tmp_path: Path) -> None:
    lines: list[str] = []
    env = {"STATE_BACKEND": "local", "STOP_LOSS_PERCENT": "x"}
    with serve.running(env, log=lines.append) as url:
        reply = requests.post(f"{url}/webhook", data="{}", timeout=10)
    assert said(reply) == (500, "misconfigured")
    (line,) = [line for line in lines if "misconfigured:" in line]
    for name in (
        "FYERS_APP_ID",
        "FYERS_SECRET_ID",
        "WEBHOOK_SECRET_TOKEN",
        "STOP_LOSS_PERCENT",
    ):
        assert name in line
        assert name not in reply.text
