"""The contracts of a symbol master, found by ticker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from statistics import median


@dataclass(frozen=True, slots=True)
class Contract:
    """One line of the symbol master."""

    ticker: str
    fy_token: str
    description: str
    instrument: int
    lot: int
    tick: Decimal
    expires: int
    """Epoch seconds."""
    underlying: str
    strike: Decimal | None
    """None on a future."""
    option_type: str


INDEX_TICKERS = {
    "NSE:NIFTY50-INDEX": "NIFTY",
    "NSE:NIFTYBANK-INDEX": "BANKNIFTY",
    "NSE:FINNIFTY-INDEX": "FINNIFTY",
    "NSE:MIDCPNIFTY-INDEX": "MIDCPNIFTY",
    "NSE:NIFTYNXT50-INDEX": "NIFTYNXT50",
}

FREEZE = {
    "NIFTY": 1800,
    "BANKNIFTY": 600,
    "FINNIFTY": 1800,
    "MIDCPNIFTY": 2800,
    "NIFTYNXT50": 600,
}
"""Most contracts in one order (2026); stocks: 40 lots."""


class Catalogue:
    """Every contract of one symbol master."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines: dict[str, str] = {}
        self._roots: dict[str, list[str]] = defaultdict(list)
        self._spots: dict[str, Decimal] = {}
        self._found: dict[str, Contract] = {}
        for line in lines:
            fields = line.split(",", 14)
            if len(fields) > 13:
                self._lines[fields[9]] = line
                self._roots[fields[13]].append(fields[9])

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def find(self, ticker: str) -> Contract | None:
        """Return the contract of a ticker, None if it is not listed."""
        if ticker not in self._found and ticker in self._lines:
            self._found[ticker] = self._parsed(ticker)
        return self._found.get(ticker)

    def options(self, underlying: str) -> list[Contract]:
        """Return a root's options, nearest expiry and lowest strike first."""
        found = (self.find(ticker) for ticker in self._roots.get(underlying, ()))
        listed = [contract for contract in found if contract and contract.strike]
        return sorted(listed, key=lambda c: (c.expires, c.strike, c.option_type))

    def at_the_money(self, underlying: str, option_type: str = "CE") -> Contract:
        """Return the option of the nearest expiry closest to the model's spot."""
        spot = self.spot(underlying) or Decimal(0)
        listed = [c for c in self.options(underlying) if c.option_type == option_type]
        near = [c for c in listed if c.expires == listed[0].expires]
        return min(near, key=lambda c: abs((c.strike or Decimal(0)) - spot))

    def _parsed(self, ticker: str) -> Contract:
        line = self._lines[ticker]
        field = line.split(",")
        return Contract(
            ticker=ticker,
            fy_token=field[0],
            description=field[1],
            instrument=int(field[2]),
            lot=int(field[3]),
            tick=Decimal(field[4]),
            expires=int(field[8]),
            underlying=field[13],
            strike=Decimal(field[15]) if field[16] in ("CE", "PE") else None,
            option_type=field[16],
        )

    def freeze(self, contract: Contract) -> int:
        """Return the most contracts FYERS's risk system takes in one order."""
        return FREEZE.get(contract.underlying, contract.lot * 40)

    def spot(self, underlying: str) -> Decimal | None:
        """Return a model price of a root: the middle of its nearest ladder."""
        if underlying not in self._roots:
            return None
        if underlying not in self._spots:
            options = [(c.expires, c.strike) for c in self.options(underlying)]
            near = min((expires for expires, _ in options), default=0)
            strikes = {k for expires, k in options if k and expires == near}
            self._spots[underlying] = median(strikes) if strikes else Decimal(100)
        return self._spots[underlying]

    def root_of(self, ticker: str) -> str | None:
        """Return the root behind a cash or index ticker, None if unknown."""
        name = INDEX_TICKERS.get(ticker)
        if name is None and ticker.startswith("NSE:") and ticker.endswith("-EQ"):
            name = ticker[len("NSE:") : -len("-EQ")]
        return name if name in self._roots else None
