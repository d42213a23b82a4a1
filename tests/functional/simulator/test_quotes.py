"""Quotes and the symbol master."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any

import pytest

from simulator import Simulator
from tests.functional.simulator.conftest import Client, said


def quote(client: Client, symbols: str) -> list[dict[str, Any]]:
    reply = client("GET", "/data/quotes", params={"symbols": symbols})
    rows: list[dict[str, Any]] = reply.json()["d"]
    return rows


def test_a_quote_is_a_multiple_of_the_tick(sim: Simulator, client: Client) -> None:
    listed = sim.market.catalogue.options("BANKNIFTY")[:50]
    rows = quote(client, ",".join(contract.ticker for contract in listed))
    prices = [Decimal(str(row["v"]["lp"])) for row in rows]
    assert [p for p in prices if p <= 0 or p % Decimal("0.05")] == []


def test_bid_and_ask_enclose_the_last_price(
    client: Client, order: dict[str, Any]
) -> None:
    value = quote(client, order["symbol"])[0]["v"]
    assert (value["bid"], value["lp"], value["ask"]) == (99.95, 100.0, 100.05)


def test_an_unknown_symbol_is_an_error_row(client: Client) -> None:
    assert quote(client, "NSE:NIFTY50-INDEX,NSE:NOPE-EQ")[1] == {
        "n": "NSE:NOPE-EQ",
        "s": "error",
        "v": {"errmsg": "invalid symbol"},
    }


def test_a_symbol_with_an_ampersand_is_found(sim: Simulator, client: Client) -> None:
    ticker = sim.market.catalogue.at_the_money("M&M").ticker
    assert quote(client, ticker)[0]["v"]["symbol"] == ticker


@pytest.mark.parametrize(
    "symbols", ["", ",".join(["NSE:NIFTY50-INDEX"] * 51)], ids=["none", "51"]
)
def test_a_wrong_number_of_symbols_is_refused(client: Client, symbols: str) -> None:
    reply = client("GET", "/data/quotes", params={"symbols": symbols})
    assert said(reply) == (400, -50, "Please provide valid inputs")


@pytest.mark.parametrize(
    ("mode", "row"),
    [
        ("no_lp", ("ok", None)),
        ("zero_lp", ("ok", 0)),
        ("text_lp", ("ok", "100")),
        ("error", ("error", None)),
    ],
)
def test_a_quote_can_lack_its_price(
    client: Client, order: dict[str, Any], mode: str, row: tuple[str, object]
) -> None:
    client.control("state", {"quotes": {order["symbol"]: mode}})
    found = quote(client, order["symbol"])[0]
    assert (found["s"], found["v"].get("lp")) == row


def test_the_master_comes_compressed(sim: Simulator, client: Client) -> None:
    headers = {"Accept-Encoding": "gzip"}
    reply = client("GET", "/sym_details/NSE_FO.csv", headers=headers, stream=True)
    assert gzip.decompress(reply.raw.read()) == sim.master.content


def test_the_master_comes_plain(sim: Simulator, client: Client) -> None:
    headers = {"Accept-Encoding": "identity"}
    reply = client("GET", "/sym_details/NSE_FO.csv", headers=headers)
    assert (
        reply.content == sim.master.content,
        "Content-Encoding" in reply.headers,
    ) == (
        True,
        False,
    )


def test_a_known_master_is_not_sent_again(client: Client) -> None:
    etag = client("GET", "/sym_details/NSE_FO.csv").headers["ETag"]
    reply = client("GET", "/sym_details/NSE_FO.csv", headers={"If-None-Match": etag})
    assert (reply.status_code, reply.content) == (304, b"")


def test_the_small_master_passes_a_size_check(sim: Simulator) -> None:
    assert len(sim.market.catalogue) > 20_000


def test_bid_and_ask_may_be_set_apart_from_the_last_price(
    client: Client, order: dict[str, Any]
) -> None:
    figures = {"lp": 200, "bid": 89.9, "ask": 90.1, "volume": 0}
    client.set(quotes={order["symbol"]: figures})
    value = quote(client, order["symbol"])[0]["v"]
    client.place(order)
    assert [value[name] for name in figures] == [200, 89.9, 90.1, 0]
    assert client.book()[0]["tradedPrice"] == 89.9


def test_a_symbol_may_be_unavailable_for_a_while(
    client: Client, order: dict[str, Any]
) -> None:
    client.set(quotes={order["symbol"]: "unavailable"})
    assert quote(client, order["symbol"])[0] == {
        "n": order["symbol"],
        "s": "error",
        "v": {"errmsg": "temporarily unavailable"},
    }


def test_bse_has_a_master_of_its_own(sim: Simulator, client: Client) -> None:
    reply = client("GET", "/sym_details/BSE_FO.csv")
    assert sim.bse_master_url == f"{sim.url}/sym_details/BSE_FO.csv"
    assert reply.content == sim.bse_master.content
    assert reply.text.splitlines()[0].split(",")[9].startswith("BSE:")


@pytest.mark.parametrize("root", ["SENSEX", "BANKEX", "BSE:RELIANCE"])
def test_bse_contracts_are_quoted_and_traded(
    sim: Simulator, client: Client, order: dict[str, Any], root: str
) -> None:
    contract = sim.market.catalogue.at_the_money(root)
    client.set(prices={contract.ticker: 100})
    value = quote(client, contract.ticker)[0]["v"]
    client.place(order, symbol=contract.ticker, qty=contract.lot)
    row = client.positions()[0]
    assert (value["lp"], value["exchange"]) == (100, "BSE")
    assert (row["netQty"], row["exchange"]) == (-contract.lot, 12)
    assert {r["exchange"] for r in client.book()} == {12}


def test_a_root_of_both_exchanges_is_nses_unless_named(sim: Simulator) -> None:
    found = [
        sim.market.catalogue.at_the_money(root).ticker[:4]
        for root in ("RELIANCE", "BSE:RELIANCE", "NSE:RELIANCE")
    ]
    assert found == ["NSE:", "BSE:", "NSE:"]
