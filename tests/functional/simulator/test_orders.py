"""Orders, changes, cancellations and the books."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Simulator
from tests.functional.simulator.conftest import APP, ORDERS, Client, said


def test_an_order_is_placed_in_fyers_words(
    client: Client, order: dict[str, Any]
) -> None:
    body = client("POST", ORDERS, json=order).json()
    assert {**body, "id": len(body["id"])} == {
        "s": "ok",
        "code": 1101,
        "message": "Successfully placed order",
        "id": 14,
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 3),
        ({"order_tag": "1:abc123"}, 3),
        ({"order_tag": "abc123"}, 0),
        ({"id": "1"}, 0),
    ],
    ids=str,
)
def test_the_order_book_is_filtered(
    client: Client, order: dict[str, Any], query: dict[str, str], count: int
) -> None:
    client("POST", ORDERS, json=order)
    rows = client("GET", "/api/v3/orders", params=query).json()["orderBook"]
    assert len(rows) == count


def test_the_book_shows_entry_and_legs(client: Client, order: dict[str, Any]) -> None:
    placed = client("POST", ORDERS, json=order).json()["id"]
    rows = client("GET", "/api/v3/orders").json()["orderBook"]
    assert [
        (row["status"], row["side"], row["type"], row.get("parentId")) for row in rows
    ] == [(2, -1, 2, None), (6, 1, 4, placed), (6, 1, 1, placed)]


def test_positions_and_trades_follow_a_fill(
    client: Client, order: dict[str, Any]
) -> None:
    client("POST", ORDERS, json=order)
    held = client("GET", "/api/v3/positions").json()
    trades = client("GET", "/api/v3/tradebook").json()["tradeBook"]
    assert (
        held["netPositions"][0]["netQty"],
        held["overall"]["count_open"],
        trades[0]["tradePrice"],
    ) == (-65, 1, 99.95)


def test_no_position_is_an_empty_list(client: Client) -> None:
    assert client("GET", "/api/v3/positions").json()["netPositions"] == []


def test_an_rms_refusal_is_200_with_an_id_and_a_rejected_row(
    client: Client, order: dict[str, Any]
) -> None:
    client.control("state", {"fill": "rms"})
    reply = client("POST", ORDERS, json=order)
    rows = client("GET", "/api/v3/orders").json()["orderBook"]
    body = reply.json()
    assert (reply.status_code, body["code"], body["message"][:4]) == (200, -99, "RED:")
    assert [(r["id"], r["status"], r["message"], r["exchOrdId"]) for r in rows] == [
        (body["id"], 5, body["message"], "")
    ]


def test_an_app_that_may_not_order_is_told_so(
    client: Client, order: dict[str, Any]
) -> None:
    client.control("state", {"orders_allowed": False})
    assert said(client("POST", ORDERS, json=order)) == (
        400,
        -50,
        "Request rejected: Order placement restricted. "
        f"Algo orders are not allowed from this app {APP}",
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_a_body_that_is_no_object_is_refused(client: Client, body: bytes) -> None:
    assert said(client("POST", ORDERS, data=body)) == (400, -50, "Invalid input")


@pytest.mark.parametrize("path", ["/api/v3/orders", "/data/quotes"])
def test_the_front_blocks_the_wrong_post(client: Client, path: str) -> None:
    reply = client("POST", path, json={})
    assert (reply.status_code, reply.headers["Content-Type"][:9]) == (403, "text/html")


def pending_leg(client: Client, order: dict[str, Any], kind: int) -> dict[str, Any]:
    client("POST", ORDERS, json=order)
    rows = client("GET", "/api/v3/orders").json()["orderBook"]
    found: dict[str, Any] = next(row for row in rows if row["type"] == kind)
    return found


def test_a_leg_is_resized(client: Client, order: dict[str, Any]) -> None:
    leg = pending_leg(client, {**order, "qty": 130}, 4)
    change = {name: leg[name] for name in ("id", "type", "limitPrice", "stopPrice")}
    reply = client("PATCH", ORDERS, json={**change, "qty": 65})
    assert said(reply) == (200, 1102, "Successfully modified order")
    rows = client("GET", "/api/v3/orders", params={"id": leg["id"]}).json()
    assert rows["orderBook"][0]["remainingQuantity"] == 65


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limitPrice": 75}, "limitPrice does not match: 0"),
        ({"type": 1, "qty": 30}, "30 not a multiple of minimum lot size 65"),
        (
            {"type": 1, "limitPrice": 75.01},
            "LimitPrice not a multiple of tick size 0.0500",
        ),
        ({"type": "1"}, "Invalid input"),
    ],
    ids=str,
)
def test_a_wrong_change_is_refused_and_names_the_order(
    client: Client, order: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    leg = pending_leg(client, order, 1)
    reply = client("PATCH", ORDERS, json={"id": leg["id"], **change})
    assert (*said(reply), reply.json()["id"]) == (400, -50, message, leg["id"])


@pytest.mark.parametrize("form", ["body", "path"])
def test_a_leg_is_cancelled(client: Client, order: dict[str, Any], form: str) -> None:
    leg = pending_leg(client, order, 1)["id"]
    if form == "body":
        reply = client("DELETE", ORDERS, json={"id": leg})
    else:
        reply = client("DELETE", f"/api/v3/orders/{leg}/sync")
    assert said(reply) == (200, 1103, "Successfully cancelled order")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_unknown_id_is_refused(client: Client, method: str) -> None:
    reply = client(method, ORDERS, json={"id": "26000000000001", "type": 2})
    assert (*said(reply), reply.json()["id"]) == (
        400,
        -51,
        "invalid order id: 26000000000001",
        "26000000000001",
    )


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_done_order_is_not_pending(
    client: Client, order: dict[str, Any], method: str
) -> None:
    placed = client("POST", ORDERS, json=order).json()["id"]
    reply = client(method, ORDERS, json={"id": placed, "type": 2})
    assert said(reply) == (400, -52, "Not a pending order")


def test_an_id_that_is_no_text_of_this_world_is_refused(client: Client) -> None:
    reply = client("DELETE", ORDERS, data=b'{"id":"\\ud800"}')
    assert (reply.status_code, reply.json()["code"]) == (400, -51)


def test_an_empty_id_is_refused(client: Client) -> None:
    assert said(client("DELETE", ORDERS, json={"id": ""})) == (
        400,
        -50,
        "id: String length must be greater than or equal to 1",
    )


def test_a_refused_order_says_when_to_come_back(
    sim: Simulator, client: Client, order: dict[str, Any]
) -> None:
    sim.options.rate_limits = True
    replies = [client("POST", ORDERS, json=order) for _ in range(11)]
    assert said(replies[-1]) == (
        429,
        -429,
        "Request limit reached, refresh after few mins",
    )
    assert replies[-1].headers["Retry-After"] == "1"
    assert len(sim.exchange.tagged("abc123")) == 10
