"""Exit legs and tags that are not as this software would like them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Simulator
from tests.functional.simulator.conftest import ORDERS, Client, said

TAG = "aBcDeFgHiJkLmNoPqRsT"


def legs(client: Client) -> list[dict[str, Any]]:
    return client.book()[1:]


def test_legs_may_carry_another_product_word(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(legs={"product": "BO"})
    client.place(order)
    words = [row["productType"] for row in client.book()]
    client.set(prices={order["symbol"]: 74})
    assert (words, client.nets()) == (["INTRADAY", "BO", "BO"], [0])


@pytest.mark.parametrize("parent", ["-", "0", 0, ""], ids=repr)
def test_legs_may_have_a_parent_that_means_none(
    client: Client, order: dict[str, Any], parent: object
) -> None:
    client.set(legs={"parent": parent})
    client.place(order)
    assert [(row["parentId"], row["orderTag"]) for row in legs(client)] == [
        (parent, "1:abc123")
    ] * 2


def test_legs_may_have_no_parent(client: Client, order: dict[str, Any]) -> None:
    client.set(legs={"parent": "absent"})
    client.place(order)
    assert ["parentId" in row for row in client.book()] == [False] * 3


@pytest.mark.parametrize("parent", ["-", "0", 0, ""], ids=repr)
def test_plain_rows_may_have_a_parent_that_means_none(
    client: Client, order: dict[str, Any], parent: object
) -> None:
    client.set(plain_parent=parent)
    placed = client.place(order)
    assert [row["parentId"] for row in client.book()] == [parent, placed, placed]


@pytest.mark.parametrize("tag", ["", "2:", "2:Untagged"])
def test_legs_may_have_no_tag(client: Client, order: dict[str, Any], tag: str) -> None:
    client.set(legs={"tag": tag})
    client.place(order)
    assert [row["orderTag"] for row in legs(client)] == [tag, tag]


def test_legs_may_be_at_wrong_prices(client: Client, order: dict[str, Any]) -> None:
    client.set(legs={"stop_offset": 2, "target_offset": "-1.5"})
    client.place(order)
    stop, target = legs(client)
    assert (stop["stopPrice"], target["limitPrice"]) == (116.95, 73.45)
    assert stop["limitPrice"] > stop["stopPrice"]


def test_legs_may_have_a_wrong_quantity(client: Client, order: dict[str, Any]) -> None:
    client.set(legs={"qty_offset": 65})
    client.place(order)
    assert [row["qty"] for row in legs(client)] == [130, 130]


def test_legs_may_have_another_type(client: Client, order: dict[str, Any]) -> None:
    client.set(legs={"stop_type": 3, "target_type": 4})
    client.place(order)
    assert [row["type"] for row in legs(client)] == [3, 4]


def test_one_leg_may_vanish(client: Client, order: dict[str, Any]) -> None:
    placed = client.place(order)
    client.set(orders=[{"parent": placed, "exit": "stop", "status": "gone"}])
    assert [row["type"] for row in legs(client)] == [1]


def test_a_stop_may_stay_pending_beyond_its_trigger(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(stops_fill=False)
    client.place(order)
    client.set(prices={order["symbol"]: 130})
    stop = legs(client)[0]
    assert (stop["status"], stop["type"], stop["lp"] > stop["stopPrice"]) == (
        6,
        4,
        True,
    )


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("sent", TAG),
        ("upper", TAG.upper()),
        ("cut", TAG[:16]),
        ("upper_cut", TAG[:16].upper()),
    ],
)
def test_the_book_may_change_a_tag(
    sim: Simulator, client: Client, order: dict[str, Any], form: str, shown: str
) -> None:
    client.set(tag_form=form)
    client.place(order, orderTag=TAG)
    assert {row["orderTag"] for row in client.book()} == {f"1:{shown}"}
    assert len(sim.exchange.tagged(TAG)) == 1


def test_the_book_may_append_to_an_id(client: Client, order: dict[str, Any]) -> None:
    client.set(id_suffix="-BO-1")
    placed = client.place(order)
    rows = client.book()
    assert rows[0]["id"] == f"{placed}-BO-1"
    assert {row["parentId"] for row in rows[1:]} == {rows[0]["id"]}
    reply = client("DELETE", ORDERS, json={"id": rows[1]["id"]})
    assert said(reply)[1] == 1103


def test_an_odd_row_may_stand_in_both_books(
    client: Client, order: dict[str, Any]
) -> None:
    odd = {"symbol": "NSE:OTHER", "side": 0, "qty": "many", "limitPrice": None}
    client.set(extra_orders=[odd], extra_positions=[odd])
    assert (client.book(), client.positions()) == ([odd], [odd])


def test_a_row_of_ours_may_be_spoiled(client: Client, order: dict[str, Any]) -> None:
    match = {"symbol": order["symbol"]}
    client.place(order, stopLoss=0, takeProfit=0)
    client.set(row_changes=[{"match": match, "set": {"side": None}}])
    assert client.book()[0]["side"] is None
    assert client.positions()[0]["side"] is None


@pytest.mark.parametrize(
    "state",
    [
        {"tag_form": "lower"},
        {"stop_orders": "never"},
        {"legs": {"parents": "-"}},
        {"quotes": {"NSE:NIFTY50-INDEX": {"ltp": 1}}},
        {"row_changes": [{"match": {}}]},
    ],
    ids=str,
)
def test_a_misspelt_setting_is_refused(client: Client, state: dict[str, Any]) -> None:
    assert client("POST", "/_sim/state", json=state).status_code == 400


def test_reset_takes_every_setting_back(client: Client) -> None:
    client.control("reset", {})
    before = client("GET", "/_sim/state").json()["settings"]
    client.set(legs={"parent": "-"}, oco=False, market_status="CLOSED", book_lag=3)
    client.control("reset", {})
    assert client("GET", "/_sim/state").json()["settings"] == before
