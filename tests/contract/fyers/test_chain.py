"""FYERS's option chain and quotes, as its docs of September 2026 show them."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.adapters.fyers.chain import option_chain
from shared.broker import Unreadable
from shared.models import Quote

TICKER = "NSE:NIFTY2632424350CE"
CHAIN = """{"code": 200, "message": "", "s": "ok", "data": {
 "callOi": 1, "putOi": 2, "indiavixData": {},
 "expiryData": [{"date": "24-03-2026", "expiry": "1774346400", "expiry_flag": "W"},
                {"date": "30-03-2026", "expiry": "1774864800", "expiry_flag": "M"}],
 "optionsChain": [
  {"symbol": "NSE:NIFTY50-INDEX", "option_type": "", "strike_price": -1,
   "ltp": 24361.9, "fp": 24380.1},
  {"symbol": "NSE:NIFTY2632424350CE", "option_type": "CE", "strike_price": 24350,
   "ltp": 181.2, "bid": 181.1, "ask": "181.35"},
  {"symbol": "NSE:NIFTY2632424350PE", "option_type": "PE", "strike_price": 24350,
   "ltp": 0, "bid": 0, "ask": 160}]}}"""


def payload(text: str = CHAIN) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def test_a_chain_is_the_underlyings_price_its_quotes_and_its_expiries() -> None:
    chain = option_chain(payload())
    assert chain.price == Decimal("24361.9")
    assert chain.quotes == {
        TICKER: Quote(Decimal("181.2"), Decimal("181.1"), Decimal("181.35")),
        "NSE:NIFTY2632424350PE": Quote(None, None, Decimal(160)),
    }
    assert chain.timestamps == {
        date(2026, 3, 24): "1774346400",
        date(2026, 3, 30): "1774864800",
    }


@pytest.mark.parametrize("price", [None, 0, -1, "", "none", True, Decimal("NaN")])
def test_without_a_price_of_the_underlying_there_is_none(price: object) -> None:
    body = payload()
    body["data"]["optionsChain"][0]["ltp"] = price
    assert option_chain(body).price is None


def test_a_row_that_cannot_be_read_costs_only_itself() -> None:
    body = payload()
    body["data"]["optionsChain"] += [None, {"option_type": "CE", "symbol": 7}]
    body["data"]["expiryData"] += [None, {"date": "soon", "expiry": "1"}, {"date": 1}]
    assert option_chain(body) == option_chain(payload())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"optionsChain": {"symbol": "x"}}},
    ],
)
def test_half_an_answer_is_no_chain(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        option_chain(body)


def test_expiries_may_be_missing() -> None:
    body = payload()
    del body["data"]["expiryData"]
    assert option_chain(body).timestamps == {}
