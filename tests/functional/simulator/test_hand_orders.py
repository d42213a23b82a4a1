"""What a person does beside the software: orders in FYERS's own app."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.simulator.conftest import ORDERS, Client, Ticks, said

NO_STOPS = "16052 Function not available"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": 2}, 2),
        ({"type": 2, "treatment": "unfilled"}, 6),
        ({"type": 1, "side": 1, "limitPrice": 5}, 6),
        ({"type": 1, "side": -1, "limitPrice": 90}, 2),
        ({"type": 4, "side": 1, "stopPrice": 110, "limitPrice": 112}, 6),
        ({"type": 4, "side": -1, "stopPrice": 90, "limitPrice": 88}, 6),
        ({"type": 1, "side": 1, "limitPrice": 5, "productType": "MARGIN"}, 6),
    ],
    ids=str,
)
def test_an_order_of_any_type_side_and_product_can_be_placed_by_hand(
    client: Client, order: dict[str, Any], changes: dict[str, Any], status: int
) -> None:
    body = {"symbol": order["symbol"], "qty": 65, "side": -1, **changes}
    client.set(place=[body])
    row = client.book()[0]
    assert (row["type"], row["status"], row["source"]) == (body["type"], status, "M")


@pytest.mark.parametrize("tag", ["2:Untagged", "", "1:Untagged", "2:"])
def test_the_word_for_no_tag_can_be_chosen(
    client: Client, order: dict[str, Any], tag: str
) -> None:
    body = {"symbol": order["symbol"], "qty": 65, "side": -1}
    client.set(place=[{**body, "rawTag": tag}], untagged=tag)
    client.set(place=[body])
    assert [row["orderTag"] for row in client.book()] == [tag, tag]


def resting(client: Client, order: dict[str, Any], **changes: object) -> str:
    body = {"symbol": order["symbol"], "qty": 130, "side": 1, "type": 1}
    ids = client.set(place=[{**body, "limitPrice": 5, **changes}])["place"]
    made: str = ids[0]
    return made


def test_a_resting_order_fills_on_demand_piece_by_piece(
    client: Client, order: dict[str, Any]
) -> None:
    placed = resting(client, order)
    seen = []
    for _ in range(2):
        client.set(orders=[{"id": placed, "fill": 65, "price": 4.5}])
        row = client.book()[0]
        seen.append((row["status"], row["filledQty"], row["tradedPrice"]))
    assert (seen, client.nets()) == ([(6, 65, 4.5), (2, 130, 4.5)], [130])


def test_an_order_may_change_later(
    ticks: Ticks, client: Client, order: dict[str, Any]
) -> None:
    placed = resting(client, order)
    client.set(orders=[{"id": placed, "status": "filled", "after": 8}])
    seen = []
    for ticks.now in (7.9, 8.0):
        seen.append(client.book()[0]["status"])
    assert seen == [6, 2]


def test_a_limit_order_trades_against_the_other_side_of_the_quote(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(quotes={order["symbol"]: {"bid": 95, "ask": 106}})
    resting(client, order, limitPrice=105.95)
    resting(client, order, limitPrice=106)
    assert [row["status"] for row in client.book()] == [6, 2]


STOP = {"type": 3, "side": 1, "stopPrice": 110, "stopLoss": 0, "takeProfit": 0}


def test_a_plain_stop_on_an_option_is_rejected_a_moment_later(
    ticks: Ticks, client: Client, order: dict[str, Any]
) -> None:
    reply = client("POST", ORDERS, json={**order, **STOP})
    ticks.now = 1.0
    row = client.book()[0]
    assert (reply.json()["code"], row["status"], row["message"]) == (1101, 5, NO_STOPS)


def test_a_plain_stop_on_an_option_may_be_refused_at_once(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(stop_orders="at_once")
    reply = client("POST", ORDERS, json={**order, **STOP})
    assert said(reply) == (200, -99, NO_STOPS)


def test_a_plain_stop_may_be_allowed(client: Client, order: dict[str, Any]) -> None:
    client.set(stop_orders="allowed")
    client.place(order, **STOP)
    assert client.book()[0]["status"] == 6
