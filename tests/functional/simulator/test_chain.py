"""The option chain and the state of the markets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from simulator import Simulator
from simulator.options import IST
from tests.functional.simulator.conftest import Client, said

NIFTY = "NSE:NIFTY50-INDEX"
PATH = "/data/options-chain-v3"


def chain(client: Client, symbol: str = NIFTY, **query: object) -> dict[str, Any]:
    params = {"symbol": symbol, "strikecount": 2, "timestamp": "", **query}
    reply = client("GET", PATH, params=params)
    assert reply.status_code == 200, reply.text
    data: dict[str, Any] = reply.json()["data"]
    return data


@pytest.mark.parametrize(
    "symbol",
    [
        *(NIFTY, "NSE:NIFTYBANK-INDEX", "NSE:FINNIFTY-INDEX", "NSE:MIDCPNIFTY-INDEX"),
        *("BSE:SENSEX-INDEX", "BSE:BANKEX-INDEX", "NSE:RELIANCE-EQ", "NSE:M&M-EQ"),
    ],
)
def test_a_chain_begins_with_its_underlying(client: Client, symbol: str) -> None:
    rows = chain(client, symbol)["optionsChain"]
    first = rows[0]
    assert (first["symbol"], first["option_type"], first["strike_price"]) == (
        symbol,
        "",
        -1,
    )
    assert first["ltp"] == first["fp"]
    assert len(rows) == 1 + 2 * 5


def test_a_chain_has_the_strikes_around_the_underlyings_price(client: Client) -> None:
    client.set(prices={NIFTY: 25_812.35})
    rows = chain(client)["optionsChain"]
    assert rows[0]["ltp"] == 25_812.35
    assert [(row["strike_price"], row["option_type"]) for row in rows[1:]] == [
        (strike, side)
        for strike in (25_700, 25_750, 25_800, 25_850, 25_900)
        for side in ("CE", "PE")
    ]


def test_a_row_is_a_quote(client: Client, order: dict[str, Any]) -> None:
    figures = {"lp": 120, "bid": 118, "ask": 121.5, "volume": 650}
    client.set(quotes={order["symbol"]: figures})
    rows = chain(client)["optionsChain"]
    row = next(row for row in rows if row["symbol"] == order["symbol"])
    assert (row["ltp"], row["bid"], row["ask"], row["volume"]) == (120, 118, 121.5, 650)


def test_a_chain_lists_its_expiries_and_takes_one(client: Client) -> None:
    expiries = chain(client)["expiryData"]
    dates = [datetime.strptime(e["date"], "%d-%m-%Y").date() for e in expiries]  # noqa: DTZ007
    epochs = [datetime.fromtimestamp(int(e["expiry"]), IST).date() for e in expiries]
    second = chain(client, timestamp=expiries[1]["expiry"])["optionsChain"][1]
    assert (dates, sorted(dates)) == (epochs, dates)
    assert expiries[-1]["expiry_flag"] == "M"
    assert second["symbol"] != chain(client)["optionsChain"][1]["symbol"]


def test_an_option_follows_its_underlying(sim: Simulator, client: Client) -> None:
    contract = sim.market.catalogue.at_the_money("NIFTY")
    assert contract.strike is not None
    strike, seen = float(contract.strike), []
    for price in (strike, strike + 500):
        client.set(prices={NIFTY: price})
        prices = sim.market.prices(contract.ticker)
        assert prices is not None
        seen.append(prices.last)
    assert seen[1] - seen[0] > 100


def test_rows_may_be_missing(client: Client) -> None:
    left_out = chain(client)["optionsChain"][3]["symbol"]
    client.set(chain_missing=[NIFTY, left_out])
    symbols = [row["symbol"] for row in chain(client)["optionsChain"]]
    assert (len(symbols), NIFTY in symbols, left_out in symbols) == (9, False, False)


@pytest.mark.parametrize(
    ("mode", "price"), [("no_lp", None), ("zero_lp", 0), ("text_lp", "25812.35")]
)
def test_a_row_may_lack_its_price(client: Client, mode: str, price: object) -> None:
    client.set(quotes={NIFTY: {"mode": mode, "lp": 25_812.35}})
    assert chain(client)["optionsChain"][0].get("ltp") == price


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"symbol": "NSE:NOPE-EQ"}, (422, -300, "Invalid symbol provided")),
        ({"strikecount": 51}, (400, -50, "Please provide valid inputs")),
        ({"strikecount": ""}, (400, -50, "Please provide valid inputs")),
        ({"timestamp": "1"}, (400, -50, "Please provide valid inputs")),
    ],
    ids=str,
)
def test_a_wrong_chain_is_refused(
    client: Client, query: dict[str, object], answer: tuple[int, int, str]
) -> None:
    params = {"symbol": NIFTY, "strikecount": 2, "timestamp": "", **query}
    assert said(client("GET", PATH, params=params)) == answer


@pytest.mark.parametrize("path", [PATH, "/data/marketStatus"])
def test_data_wants_a_token(client: Client, path: str) -> None:
    reply = client("GET", path, headers={"Authorization": "SIM00001-200:wrong"})
    assert said(reply) == (401, -15, "Please provide valid token")


def statuses(client: Client) -> dict[int, str]:
    rows = client("GET", "/data/marketStatus").json()["marketStatus"]
    return {
        row["exchange"]: row["status"]
        for row in rows
        if (row["segment"], row["market_type"]) == (11, "NORMAL")
    }


def test_both_markets_are_open(client: Client) -> None:
    assert statuses(client) == {10: "OPEN", 12: "OPEN"}


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("CLOSED", {10: "CLOSED", 12: "CLOSED"}),
        ({"10": "PREOPEN"}, {10: "PREOPEN", 12: "OPEN"}),
    ],
    ids=str,
)
def test_a_market_may_be_closed(
    client: Client, state: object, found: dict[int, str]
) -> None:
    client.set(market_status=state)
    assert statuses(client) == found
