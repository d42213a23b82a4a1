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
    exchange: int
    """10 NSE, 12 BSE."""
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
    "NSE:NIFTY50-INDEX": "NSE:NIFTY",
    "NSE:NIFTYBANK-INDEX": "NSE:BANKNIFTY",
    "NSE:FINNIFTY-INDEX": "NSE:FINNIFTY",
    "NSE:MIDCPNIFTY-INDEX": "NSE:MIDCPNIFTY",
    "NSE:NIFTYNXT50-INDEX": "NSE:NIFTYNXT50",
    "BSE:SENSEX-INDEX": "BSE:SENSEX",
    "BSE:BANKEX-INDEX": "BSE:BANKEX",
}
ROOT_TICKERS = {root: ticker for ticker, root in INDEX_TICKERS.items()}
SHARES = {"NSE": "-EQ", "BSE": "-A"}
"""How the ticker of a share ends at an exchange."""

FREEZE = {
    "NIFTY": 1800,
    "BANKNIFTY": 600,
    "FINNIFTY": 1800,
    "MIDCPNIFTY": 2800,
    "NIFTYNXT50": 600,
    "SENSEX": 1000,
    "BANKEX": 900,
}
"""Most contracts in one order (2026; BSE's two are rough); stocks: 40 lots."""


class Catalogue:
    """Every contract of the symbol masters.

    A root is named with its exchange (`BSE:SENSEX`); without, NSE's goes first.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines: dict[str, str] = {}
        self._roots: dict[str, list[str]] = defaultdict(list)
        self._spots: dict[str, Decimal] = {}
        self._found: dict[str, Contract] = {}
        self._options: dict[str, list[Contract]] = {}
        for line in lines:
            fields = line.split(",", 14)
            if len(fields) > 13:
                self._lines[fields[9]] = line
                exchange = fields[9].partition(":")[0]
                self._roots[f"{exchange}:{fields[13]}"].append(fields[9])

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
        root = self._root(underlying)
        if root not in self._options:
            found = (self.find(ticker) for ticker in self._roots.get(root, ()))
            listed = [contract for contract in found if contract and contract.strike]
            listed.sort(key=lambda c: (c.expires, c.strike, c.option_type))
            self._options[root] = listed
        return self._options[root]

    def near_the_money(self, underlying: str, after: float = 0) -> list[Contract]:
        """Return a root's options, nearest expiry and closest to the spot first.

        None that is over at `after`, seconds since 1970.
        """
        spot = self.spot(underlying) or Decimal(0)
        listed = [each for each in self.options(underlying) if each.expires > after]
        return sorted(listed, key=lambda c: (c.expires, abs((c.strike or 0) - spot)))

    def at_the_money(self, underlying: str, after: float = 0) -> Contract:
        """Return the call of the nearest expiry closest to the model's spot."""
        near = self.near_the_money(underlying, after)
        return next(each for each in near if each.option_type == "CE")

    def _parsed(self, ticker: str) -> Contract:
        line = self._lines[ticker]
        field = line.split(",")
        return Contract(
            ticker=ticker,
            exchange=int(field[10]),
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
        root = self._root(underlying)
        if root not in self._roots:
            return None
        if root not in self._spots:
            options = [(c.expires, c.strike) for c in self.options(root)]
            near = min((expires for expires, _ in options), default=0)
            strikes = {k for expires, k in options if k and expires == near}
            self._spots[root] = median(strikes) if strikes else Decimal(100)
        return self._spots[root]

    def root_of(self, ticker: str) -> str | None:
        """Return the root behind a cash or index ticker, None if unknown."""
        root = INDEX_TICKERS.get(ticker)
        exchange, _, name = ticker.partition(":")
        ending = SHARES.get(exchange, "-")
        if root is None and name.endswith(ending):
            root = f"{exchange}:{name.removesuffix(ending)}"
        return root if root in self._roots else None

    def ticker_of(self, contract: Contract) -> str:
        """Return the cash or index ticker of a contract's underlying."""
        exchange = contract.ticker.partition(":")[0]
        root = f"{exchange}:{contract.underlying}"
        return ROOT_TICKERS.get(root, root + SHARES.get(exchange, "-EQ"))

    def _root(self, underlying: str) -> str:
        if ":" in underlying:
            return underlying
        names = (f"NSE:{underlying}", f"BSE:{underlying}")
        return next((name for name in names if name in self._roots), names[0])
