"""Positions: today's and carried ones, conversion, square-off, the next day."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.simulator.conftest import Client, Ticks, said

QUANTITIES = (
    *("cfBuyQty", "cfSellQty", "dayBuyQty", "daySellQty"),
    *("buyQty", "sellQty", "netQty"),
)


def quantities(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in QUANTITIES)


def test_a_row_tells_what_the_day_bought_and_sold(
    client: Client, order: dict[str, Any]
) -> None:
    client.place(order, qty=130)
    client.place(order, side=1)
    assert quantities(client.positions()[0]) == (0, 0, 65, 130, 65, 130, -65)


def test_a_carried_position_can_be_set(client: Client, order: dict[str, Any]) -> None:
    seed = {"symbol": order["symbol"], "productType": "MARGIN", "cfSellQty": 130}
    client.set(positions=[{**seed, "avgPrice": 120}])
    client.place(order, productType="MARGIN", side=1)
    row = client.positions()[0]
    assert quantities(row) == (0, 130, 65, 0, 65, 130, -65)
    assert (row["avgPrice"], row["realized_profit"]) == (120.0, 65 * 19.95)


def test_each_product_has_its_own_row(client: Client, order: dict[str, Any]) -> None:
    client.place(order)
    client.place(order, productType="MARGIN")
    assert [row["id"] for row in client.positions()] == [
        f"{order['symbol']}-INTRADAY",
        f"{order['symbol']}-MARGIN",
    ]


@pytest.mark.parametrize("way", ["control", "api"])
def test_a_conversion_moves_the_day_and_leaves_the_legs(
    client: Client, order: dict[str, Any], way: str
) -> None:
    client.place(order)
    if way == "control":
        client.set(convert=[{"symbol": order["symbol"]}])
    else:
        body = {
            "symbol": f"{order['symbol']}-INTRADAY",
            "positionSide": -1,
            "convertQty": 65,
            "convertFrom": "INTRADAY",
            "convertTo": "MARGIN",
            "overnight": 0,
        }
        reply = client("POST", "/api/v3/positions", json=body)
        assert said(reply) == (200, 200, "Position Converted Successfully!!")
    assert [(r["productType"], r["daySellQty"]) for r in client.positions()] == [
        ("INTRADAY", 0),
        ("MARGIN", 65),
    ]
    assert [(row["status"], row["productType"]) for row in client.book()[1:]] == [
        (6, "INTRADAY"),
        (6, "INTRADAY"),
    ]


@pytest.mark.parametrize(
    ("how", "statuses"),
    [(True, [6, 6]), ({"exits": False}, [1, 1])],
    ids=["exits work", "exits end"],
)
def test_a_square_off_closes_intraday_positions_without_a_tag(
    client: Client, order: dict[str, Any], how: object, statuses: list[int]
) -> None:
    client.place(order)
    client.place(order, productType="MARGIN", stopLoss=0, takeProfit=0)
    ids = client.set(square_off=how)["square_off"]
    assert client.nets() == [0, -65]
    book = client.book()
    assert [(r["id"], r["orderTag"], r["source"]) for r in book[4:]] == [
        (ids[0], "2:Untagged", "R")
    ]
    assert [row["status"] for row in book[1:3]] == statuses


def test_a_square_off_may_rest(client: Client, order: dict[str, Any]) -> None:
    client.place(order)
    client.set(square_off={"treatment": "unfilled"})
    assert (client.nets(), client.book()[-1]["status"]) == ([-65], 6)


def test_day_orders_end_with_the_day(client: Client, order: dict[str, Any]) -> None:
    client.place(order, productType="MARGIN")
    client.set(end_day=True)
    assert [row["status"] for row in client.book()] == [2, 7, 7]


def test_the_next_day_has_an_empty_book_and_carries_what_is_open(
    client: Client, order: dict[str, Any]
) -> None:
    client.place(order, productType="MARGIN", qty=130)
    client.place(order, productType="MARGIN", side=1)
    client.place(order)
    client.place(order, side=1)
    client.set(new_day=True)
    assert client.book() == []
    assert [quantities(row) for row in client.positions()] == [
        (0, 65, 0, 0, 0, 65, -65)
    ]


def test_positions_show_fills_late_and_in_order(
    ticks: Ticks, client: Client, order: dict[str, Any]
) -> None:
    client.set(positions_lag=3)
    client.place(order, qty=130)
    ticks.now = 2.0
    client.place(order, side=1)
    seen = [client.nets()]
    for ticks.now in (3.0, 4.9, 5.0):
        seen.append(client.nets())
    assert seen == [[], [-130], [-130], [-65]]
    assert client.book()[0]["filledQty"] == 130


def test_without_the_lag_positions_show_everything(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(positions_lag=60)
    client.place(order)
    late = client.nets()
    client.set(positions_lag=0)
    assert (late, client.nets()) == ([], [-65])


def test_the_book_shows_an_order_late(
    ticks: Ticks, client: Client, order: dict[str, Any]
) -> None:
    client.set(book_lag=2)
    client.place(order, stopLoss=0, takeProfit=0)
    seen = [len(client.book())]
    ticks.now = 2.0
    seen.append(len(client.book()))
    assert (seen, client.nets()) == ([0, 1], [-65])


def test_the_book_shows_a_fill_late(
    ticks: Ticks, client: Client, order: dict[str, Any]
) -> None:
    client.set(fills_lag=2, fill="partfill")
    placed = client.place(order, qty=130, stopLoss=0, takeProfit=0)
    ticks.now = 1.0
    client.set(orders=[{"id": placed, "status": "filled"}])
    seen = []
    for ticks.now in (1.9, 2.9, 3.0):
        row = client.book()[0]
        seen.append((row["status"], row["filledQty"]))
    assert seen == [(6, 0), (6, 65), (2, 130)]
