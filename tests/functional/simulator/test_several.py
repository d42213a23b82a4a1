"""Several orders in one call: cancelling a list, slices of a large order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.simulator.conftest import ORDERS, Client, said

SEVERAL = "/api/v3/multi-order/sync"
LARGE = {"qty": 1950, "stopLoss": 0, "takeProfit": 0, "isSliceOrder": True}


def test_a_list_is_cancelled_item_by_item(
    client: Client, order: dict[str, Any]
) -> None:
    entry = client.place(order)
    stop = client.book()[1]["id"]
    ids = [stop, entry, "26000000000001"]
    body = client("DELETE", SEVERAL, json=[{"id": each} for each in ids]).json()
    assert (body["s"], body["code"]) == ("ok", 200)
    assert [
        (row["statusCode"], row["body"]["code"], row["body"]["message"])
        for row in body["data"]
    ] == [
        (200, 1103, "Successfully cancelled order"),
        (400, -52, "Not a pending order"),
        (400, -51, "invalid order id: 26000000000001"),
    ]
    assert [row["status"] for row in client.book()] == [2, 1, 6]


@pytest.mark.parametrize("body", [[], [{"id": "1"}] * 11, {"id": "1"}], ids=str)
def test_a_list_has_one_to_ten_items(client: Client, body: object) -> None:
    assert said(client("DELETE", SEVERAL, json=body)) == (400, -50, "Invalid input")


def test_a_slice_order_is_split_by_the_freeze_quantity(
    client: Client, order: dict[str, Any]
) -> None:
    body = client("POST", ORDERS, json={**order, **LARGE}).json()
    rows = client.book()
    assert [row["qty"] for row in rows] == [1755, 195]
    assert ("id" in body, body["code"], body["message"]) == (
        False,
        1101,
        "Order Slice placed successfully",
    )
    assert [(part["statusCode"], part["body"]["id"]) for part in body["data"]] == [
        (200, row["id"]) for row in rows
    ]
    assert [row["orderTag"] for row in rows] == ["1:abc123", "1:abc123"]


def test_a_slice_may_be_refused(client: Client, order: dict[str, Any]) -> None:
    client.set(slice_refused=[1], slice_tags=False)
    body = client("POST", ORDERS, json={**order, **LARGE}).json()
    assert [part["statusCode"] for part in body["data"]] == [200, 400]
    assert body["data"][1]["body"]["message"].startswith("RED:")
    assert [(row["status"], row["orderTag"]) for row in client.book()] == [
        (2, "2:Untagged"),
        (5, "2:Untagged"),
    ]


@pytest.mark.parametrize(("form", "has_id"), [("data", False), ("plain", True)])
def test_a_slice_order_of_one_slice(
    client: Client, order: dict[str, Any], form: str, has_id: bool
) -> None:
    client.set(single_slice=form)
    body = client("POST", ORDERS, json={**order, "isSliceOrder": True}).json()
    assert ("id" in body, body["code"]) == (has_id, 1101)


def test_more_than_ten_slices_are_refused(
    client: Client, order: dict[str, Any]
) -> None:
    reply = client("POST", ORDERS, json={**order, **LARGE, "qty": 17_615})
    assert said(reply) == (400, -50, "Invalid input")


def test_a_quantity_above_the_freeze_is_refused_without_slices(
    client: Client, order: dict[str, Any]
) -> None:
    reply = client("POST", ORDERS, json={**order, **LARGE, "isSliceOrder": False})
    assert said(reply)[2] == "RED:RULE:{Check Freeze qty}Current:1950 Set:1801"
