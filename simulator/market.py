"""Prices: a model that moves a little, and what a test pins."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from simulator.contracts import Catalogue, Contract
from simulator.options import IST
from simulator.wire import Payload

QUOTE_MODES = ("ok", "no_lp", "zero_lp", "text_lp", "error", "unavailable")
ERROR_ROWS = {"error": "invalid symbol", "unavailable": "temporarily unavailable"}
VOLUME = 1_000_000
WOBBLE_TICKS = 3
VOLATILITY = 0.14
"""Of the model, a year; only the rough size of a premium matters."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Last, best bid and best ask in rupees, multiples of the tick."""

    last: Decimal
    bid: Decimal
    ask: Decimal


class Market:
    """What anything trades at, by ticker."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self.catalogue = catalogue
        self._clock = clock
        self.pinned: dict[str, Decimal] = {}
        """Last prices set by hand; they do not wobble."""
        self.modes: dict[str, str] = {}
        """Ticker to one of `QUOTE_MODES`: how its quote fails."""
        self.sides: dict[str, tuple[Decimal, Decimal]] = {}
        """Bids and asks set by hand, apart from the last price."""
        self.volumes: dict[str, int] = {}

    def clear(self) -> None:
        """Return to the model."""
        for made in (self.pinned, self.modes, self.sides, self.volumes):
            made.clear()

    def prices(self, ticker: str) -> Prices | None:
        """Return the prices of a ticker, None if it is not listed."""
        contract = self.catalogue.find(ticker)
        tick = contract.tick if contract else Decimal("0.05")
        last = self.pinned.get(ticker)
        if last is None:
            fair = self._fair(ticker, contract)
            if fair is None:
                return None
            last = max(tick, to_tick(fair, tick) + tick * self._wobble(ticker))
        near = max(Decimal(0), last - tick), last + tick
        return Prices(last, *self.sides.get(ticker, near))

    def volume(self, ticker: str) -> int:
        """Return the contracts traded today."""
        return self.volumes.get(ticker, VOLUME)

    def reach(self, ticker: str, side: int) -> Decimal | None:
        """Return the price a limit order of a side must reach to trade."""
        if ticker in self.sides:
            bid, ask = self.sides[ticker]
            return ask if side > 0 else bid
        prices = self.prices(ticker)
        return prices.last if prices else None

    def quote(self, ticker: str) -> Payload:
        """Return one row of `/data/quotes` (docs/fyers.md: Quotes and chains)."""
        prices = self.prices(ticker)
        mode = self.modes.get(ticker, "ok")
        if prices is None or mode in ERROR_ROWS:
            text = ERROR_ROWS.get(mode, ERROR_ROWS["error"])
            return {"n": ticker, "s": "error", "v": {"errmsg": text}}
        contract = self.catalogue.find(ticker)
        last = float(prices.last)
        before = float(to_tick(prices.last * Decimal("0.98"), Decimal("0.05")))
        today = self._clock().astimezone(IST).replace(hour=0, minute=0, second=0)
        value: Payload = {
            "ch": round(last - before, 2),
            "chp": round((last - before) / before * 100, 2) if before else 0,
            "lp": shown_price(prices.last, mode),
            "spread": float(round(prices.ask - prices.bid, 4)),
            "ask": float(prices.ask),
            "bid": float(prices.bid),
            "open_price": before,
            "high_price": last,
            "low_price": before,
            "prev_close_price": before,
            "atp": last,
            "volume": self.volume(ticker),
            "short_name": ticker.partition(":")[2],
            "exchange": ticker.partition(":")[0],
            "description": ticker,
            "original_name": ticker,
            "symbol": ticker,
            "fyToken": contract.fy_token if contract else "",
            "tt": str(int(today.timestamp())),
        }
        if mode == "no_lp":
            del value["lp"]
        return {"n": ticker, "s": "ok", "v": value}

    def _fair(self, ticker: str, contract: Contract | None) -> Decimal | None:
        under = self.catalogue.ticker_of(contract) if contract else ticker
        root = self.catalogue.root_of(under)
        spot = self.pinned.get(under) or (self.catalogue.spot(root) if root else None)
        if spot is None or contract is None or contract.strike is None:
            return spot
        years = (contract.expires - self._clock().timestamp()) / (365 * 86400)
        spread = float(spot) * VOLATILITY * math.sqrt(max(years, 1 / 365))
        away = float(spot - contract.strike) / spread
        worth = away * spread * (1 if contract.option_type == "CE" else -1)
        premium = 0.4 * spread * math.exp(-abs(away)) + max(0.0, worth)
        return Decimal(str(round(premium, 4)))

    def _wobble(self, ticker: str) -> int:
        """Return a few ticks up or down, another number each second."""
        seed = f"{ticker}{int(self._clock().timestamp())}".encode()
        return zlib.crc32(seed) % (2 * WOBBLE_TICKS + 1) - WOBBLE_TICKS


def shown_price(last: Decimal, mode: str) -> object:
    """Return a last price as a quote mode shows it."""
    if mode == "zero_lp":
        return 0
    return str(last) if mode == "text_lp" else float(last)


def to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """Return the multiple of the tick nearest to a price."""
    return (price / tick).quantize(Decimal(1), ROUND_HALF_UP) * tick


def protected(contract: Contract, price: Decimal, side: int) -> Decimal:
    """Return the limit of a market order (docs/fyers.md: Orders and exits)."""
    if price <= 10:
        width = Decimal("1.5")
    else:
        width = price * (Decimal("0.15") if price <= 20 else Decimal("0.10"))
    return max(contract.tick, to_tick(price + side * width, contract.tick))
