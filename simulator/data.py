"""The data endpoints: quotes, the option chain, the state of the markets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from simulator.book import NO_PRICES
from simulator.contracts import Contract
from simulator.faults import Fault
from simulator.market import ERROR_ROWS, Market, shown_price
from simulator.options import IST, Options
from simulator.wire import Payload, Refused, Reply, Request, ok

MOST_SYMBOLS = MOST_STRIKES = 50
OTHER_MARKETS = (
    (10, "NORMAL", 10),
    (10, "ODD_LOT", 10),
    (10, "NORMAL", 12),
    (11, "NORMAL", 20),
    (12, "NORMAL", 10),
)
"""Exchange, market type and segment of rows nobody asked for."""


class Data:
    """What the market shows."""

    def __init__(self, market: Market, options: Options) -> None:
        self._market = market
        self._options = options

    def quotes(self, request: Request, _treatment: Fault | None) -> Reply:
        """Answer `/data/quotes`."""
        symbols = [s for s in request.query.get("symbols", "").split(",") if s]
        if not 1 <= len(symbols) <= MOST_SYMBOLS:
            raise _wrong()
        return ok(d=[self._market.quote(symbol) for symbol in symbols])

    def market_status(self, _request: Request, _treatment: Fault | None) -> Reply:
        """Answer `/data/marketStatus`."""
        known = self._options.market_status
        rows = [(number, "NORMAL", 11, known[number]) for number in known]
        rows += [(*market, "CLOSED") for market in OTHER_MARKETS]
        names = ("exchange", "market_type", "segment", "status")
        return ok(marketStatus=[dict(zip(names, row, strict=True)) for row in rows])

    def chain(self, request: Request, _treatment: Fault | None) -> Reply:
        """Answer `/data/options-chain-v3` (docs/fyers.md: Quotes and chains)."""
        ticker = request.query.get("symbol", "")
        root = self._market.catalogue.root_of(ticker)
        count = request.query.get("strikecount", "")
        if not count.isdecimal() or not 1 <= int(count) <= MOST_STRIKES:
            raise _wrong()
        listed = self._market.catalogue.options(root) if root else []
        now = self._options.clock().timestamp()
        listed = [contract for contract in listed if contract.expires > now]
        if not listed:
            raise Refused(422, -300, "Invalid symbol provided")
        expiries = sorted({contract.expires for contract in listed})
        wanted = request.query.get("timestamp") or str(expiries[0])
        if wanted not in map(str, expiries):
            raise _wrong()
        near = [contract for contract in listed if str(contract.expires) == wanted]
        rows = [self._underlying(ticker), *self._around(ticker, near, int(count))]
        rows = [row for row in rows if self._shown(str(row["symbol"]))]
        data = {
            "callOi": 1_000_000,
            "putOi": 1_000_000,
            "expiryData": _expiry_data(expiries),
            "indiavixData": {},
            "optionsChain": rows,
        }
        return ok(data=data)

    def _shown(self, ticker: str) -> bool:
        missing = self._options.chain_missing
        return ticker not in missing and self._mode(ticker) not in ERROR_ROWS

    def _mode(self, ticker: str) -> str:
        return self._market.modes.get(ticker, "ok")

    def _around(self, ticker: str, near: list[Contract], count: int) -> list[Payload]:
        """Return the rows of the strikes around the money, lowest first."""
        strikes = sorted({c.strike for c in near if c.strike is not None})
        prices = self._market.prices(ticker)
        spot = prices.last if prices else Decimal(0)
        middle = min(range(len(strikes)), key=lambda n: abs(strikes[n] - spot))
        kept = strikes[max(0, middle - count) : middle + count + 1]
        return [self._option(c) for c in near if c.strike in kept]

    def _option(self, contract: Contract) -> Payload:
        return {
            "symbol": contract.ticker,
            "strike_price": float(contract.strike or 0),
            "option_type": contract.option_type,
            "fyToken": contract.fy_token,
            **self._figures(contract.ticker),
            "oi": 100_000,
            "oich": 0,
            "oichp": 0,
            "prev_oi": 100_000,
        }

    def _underlying(self, ticker: str) -> Payload:
        figures = self._figures(ticker)
        return {
            "symbol": ticker,
            "strike_price": -1,
            "option_type": "",
            "fyToken": "",
            **figures,
            "bid": 0,
            "ask": 0,
            "fp": figures.get("ltp"),
            "fpch": 0,
            "fpchp": 0,
        }

    def _figures(self, ticker: str) -> Payload:
        mode, prices = self._mode(ticker), self._market.prices(ticker) or NO_PRICES
        figures: Payload = {
            "ltp": shown_price(prices.last, mode),
            "ltpch": 0,
            "ltpchp": 0,
            "bid": float(prices.bid),
            "ask": float(prices.ask),
            "volume": self._market.volume(ticker),
        }
        if mode == "no_lp":
            del figures["ltp"]
        return figures


def _wrong() -> Refused:
    return Refused(400, -50, "Please provide valid inputs")


def _expiry_data(expiries: list[int]) -> list[Payload]:
    """Return the expiries; the last of a month is a monthly one."""
    days = [datetime.fromtimestamp(epoch, IST) for epoch in expiries]
    last = {(day.year, day.month): day for day in days}
    return [
        {
            "date": f"{day:%d-%m-%Y}",
            "expiry": str(int(day.timestamp())),
            "expiry_flag": "M" if last[day.year, day.month] == day else "W",
        }
        for day in days
    ]
