"""A simulated exchange without HTTP, at a fixed instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest

from simulator import master
from simulator.contracts import Catalogue, Contract
from simulator.exchange import Exchange
from simulator.market import Market
from simulator.options import IST, Options
from simulator.rules import check_order
from simulator.wire import Payload

ASOF = date(2026, 11, 25)


@dataclass
class Time:
    """A clock a test moves by hand."""

    at: datetime = field(default=datetime(2026, 11, 25, 10, 0, tzinfo=IST))
    ticks: float = 1000.0

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ticks += seconds


@cache
def catalogue() -> Catalogue:
    return Catalogue(master.lines(ASOF, stocks=9))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def options(time: Time) -> Options:
    return Options(clock=time, ticks=lambda: time.ticks)


@pytest.fixture
def exchange(options: Options) -> Exchange:
    return Exchange(Market(catalogue(), options.clock), options)


@pytest.fixture
def nifty(exchange: Exchange) -> Contract:
    """Return the NIFTY call at the money, pinned at 100."""
    contract = exchange.market.catalogue.at_the_money("NIFTY")
    exchange.move(contract.ticker, Decimal(100))
    return contract


@pytest.fixture
def body(nifty: Contract) -> Payload:
    """Return a market order to sell one lot."""
    return {
        "symbol": nifty.ticker,
        "qty": nifty.lot,
        "type": 2,
        "side": -1,
        "productType": "INTRADAY",
        "limitPrice": 0,
        "stopPrice": 0,
        "validity": "DAY",
        "disclosedQty": 0,
        "offlineOrder": False,
    }


Place = Callable[..., str]


@pytest.fixture
def place(exchange: Exchange, body: Payload) -> Place:
    """Return a function that places the order with changes and returns its id."""

    def placed(treatment: str = "", **changes: object) -> str:
        market, options = exchange.market, exchange.options
        wish = check_order({**body, **changes}, market.catalogue, market, options)
        return exchange.place(wish, treatment).id

    return placed
