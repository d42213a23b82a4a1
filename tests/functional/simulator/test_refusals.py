"""Refusals at once, later, and such that leave the order's fate open."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Fault, Simulator
from tests.functional.simulator.conftest import ORDERS, Client, Ticks, said

PLAIN = {"stopLoss": 0, "takeProfit": 0}
UNCLEAR = (200, -99, "Something went wrong. Please contact support")


@pytest.mark.parametrize(
    ("kind", "statuses"), [("unclear_taken", [2]), ("unclear_lost", [])]
)
def test_a_refusal_without_red_and_with_an_id_leaves_it_open(
    sim: Simulator,
    client: Client,
    order: dict[str, Any],
    kind: str,
    statuses: list[int],
) -> None:
    sim.faults.add(Fault(kind=kind))
    reply = client("POST", ORDERS, json={**order, **PLAIN})
    assert (said(reply), len(reply.json()["id"])) == (UNCLEAR, 14)
    rows = client("GET", "/api/v3/orders", params={"id": reply.json()["id"]}).json()
    assert [row["status"] for row in rows["orderBook"]] == statuses


@pytest.mark.parametrize("kind", ["rms", "rms_later"])
def test_a_refusal_says_what_it_is_told_to(
    sim: Simulator, ticks: Ticks, client: Client, order: dict[str, Any], kind: str
) -> None:
    text = "17181 Market order on a contract that has not traded"
    sim.faults.add(Fault(kind=kind, message=text, delay=2))
    client.place(order)
    ticks.now = 2.0
    row = client.book()[0]
    assert (row["status"], row["message"]) == (5, text)


def test_working_exits_may_hold_the_margin_of_a_cover(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(exits_hold_margin=True)
    client.place(order)
    refused = client("POST", ORDERS, json={**order, **PLAIN, "side": 1})
    for row in client.book()[1:3]:
        client("DELETE", ORDERS, json={"id": row["id"]})
    taken = client("POST", ORDERS, json={**order, **PLAIN, "side": 1})
    assert said(refused)[:2] == (200, -99)
    assert said(refused)[2].startswith("RED:Margin Shortfall:INR ")
    assert (said(taken)[1], client.nets()) == (1101, [0])


def test_an_accepted_order_may_be_in_no_book(
    sim: Simulator, client: Client, order: dict[str, Any]
) -> None:
    sim.faults.add(Fault(kind="unshown"))
    placed = client.place(order, **PLAIN)
    hidden = client.book()
    client.set(orders=[{"id": placed, "shown": True}])
    assert (hidden, client.nets()) == ([], [-65])
    assert [row["id"] for row in client.book()] == [placed]
