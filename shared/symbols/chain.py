"""One underlying's option contracts: the expiry is chosen first, then the strike.

Nothing is guessed. A strike that the chosen expiry does not list is an error and never
another week's contract, and ticker, lot and tick are those of the very row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from shared.errors import BadRequest, Unavailable
from shared.models import (
    IST,
    Contract,
    ExpiryWord,
    OptionType,
    RelativeStrike,
    WantedExpiry,
)

_HIGHEST = Decimal(10**9)
"""Rupees; keeps `1E+999999` from becoming a very long int."""


class Chain:
    """The expiries of one underlying, nearest first."""

    def __init__(self, underlying: str, expiries: Iterable[Expiry]) -> None:
        self.underlying = underlying
        self.expiries = sorted(expiries, key=lambda expiry: expiry.expires_at)

    @classmethod
    def parse(cls, text: str) -> Chain:
        """Return the chain of a snapshot's member; raise `ValueError`."""
        underlying, *blocks = text.split("\n=")
        return cls(underlying, [Expiry(underlying, block) for block in blocks])

    def expiry(self, wanted: WantedExpiry, now: datetime) -> Expiry:
        """Return the expiry an alert means; raise `BadRequest` `unknown_symbol`.

        A word counts those that are not over: WEEKLY is the nearest whatever its
        ticker's form, MONTHLY the nearest of the monthly form, NEXT_ the one after.
        """
        found: list[Expiry] = []
        nth = _NTH.get(wanted, 0)
        for expiry in self.expiries:
            if now <= expiry.expires_at and _fits(expiry, wanted):
                found.append(expiry)
                if len(found) > nth:
                    return expiry
        raise unknown(self._why_not(wanted, now))

    def _why_not(self, wanted: WantedExpiry, now: datetime) -> str:
        alive = [expiry.day for expiry in self.expiries if now <= expiry.expires_at]
        if not isinstance(wanted, date):
            return f"{self.underlying} has no {wanted} expiry that is not over"
        if any(expiry.day == wanted for expiry in self.expiries):
            return f"the {wanted} expiry of {self.underlying} is over"
        alive.sort(key=lambda day: abs(day - wanted))
        near = ", ".join(str(day) for day in sorted(alive[:3]))
        return f"{self.underlying} has no expiry on {wanted}; nearest: {near or 'none'}"


_NTH: dict[object, int] = {ExpiryWord.NEXT_WEEKLY: 1, ExpiryWord.NEXT_MONTHLY: 1}


def _fits(expiry: Expiry, wanted: WantedExpiry) -> bool:
    if wanted in (ExpiryWord.MONTHLY, ExpiryWord.NEXT_MONTHLY):
        return expiry.monthly
    return isinstance(wanted, ExpiryWord) or expiry.day == wanted


class Expiry:
    """The contracts of one expiry; its rows are split when one is first asked for."""

    def __init__(self, underlying: str, block: str) -> None:
        head, _, self._text = block.partition("\n")
        epoch, code = head.split(" ")
        self.underlying = underlying
        self.expires_at = datetime.fromtimestamp(int(epoch), IST)
        self.day = self.expires_at.date()
        self.monthly = code[2:].isalpha()  # 26FEB; a weekly one is 26210 or 26O07
        self._rows: dict[str, str] | None = None
        self._strikes: dict[OptionType, tuple[Decimal, ...]] = {}
        self._made: dict[str, Contract] = {}

    @property
    def exchange(self) -> str:
        """Return `NSE` or `BSE`, as the contracts' tickers say it."""
        return self._text.partition(" ")[2].partition(":")[0]

    @property
    def lot(self) -> int:
        """Return the contracts per lot, which one expiry has in common."""
        return int(next(iter(self._listed().values())).split(" ")[1])

    def strikes(self, option_type: OptionType) -> tuple[Decimal, ...]:
        """Return the strikes listed for that side, lowest first."""
        if option_type not in self._strikes:
            found = (key for key in self._listed() if key.endswith(option_type))
            self._strikes[option_type] = tuple(
                sorted(Decimal(key[:-2]).scaleb(-2) for key in found)
            )
        return self._strikes[option_type]

    def near(
        self, wanted: RelativeStrike, option_type: OptionType, price: Decimal
    ) -> Contract:
        """Return the contract so far from the money at the underlying's `price`.

        Raises `BadRequest` `unknown_symbol` beyond the last strike, `Unavailable` where
        `price` is no price of this underlying.
        """
        strikes = self.strikes(option_type)
        try:
            strike = choose_strike(wanted, option_type, price, strikes)
        except LookupError:
            raise unknown(
                f"{self.underlying} lists no {wanted} {option_type} for {self.day}: "
                f"its strikes go from {_plain(strikes[0])} to {_plain(strikes[-1])}"
                if strikes
                else f"{self.underlying} lists no {option_type} for {self.day}"
            ) from None
        return self.contract(strike, option_type)

    def contract(self, strike: Decimal, option_type: OptionType) -> Contract:
        """Return the contract at exactly this strike; raise `BadRequest`."""
        key = _key(strike, option_type)
        made = self._made.get(key)
        if made is not None:
            return made
        terms = self._listed().get(key)
        if terms is None:
            raise unknown(self._why_not(strike, option_type))
        ticker, lot, tick = terms.split(" ")
        # Two threads may both make it; they make equal ones.
        return self._made.setdefault(
            key,
            Contract(
                ticker=ticker,
                underlying=self.underlying,
                expiry=self.day,
                expires_at=self.expires_at,
                strike=Decimal(key[:-2]).scaleb(-2),
                option_type=option_type,
                lot=int(lot),
                tick=Decimal(tick),
            ),
        )

    def _listed(self) -> dict[str, str]:
        if self._rows is None:
            pairs = (line.partition(" ") for line in self._text.splitlines())
            self._rows = {key: terms for key, _, terms in pairs}
        return self._rows

    def _why_not(self, strike: Decimal, option_type: OptionType) -> str:
        what = f"{self.underlying} {_plain(strike)} {option_type}"
        listed = list(self.strikes(option_type))
        if strike.is_finite():
            listed.sort(key=lambda known: abs(known - strike))
        near = ", ".join(_plain(known) for known in sorted(listed[:4]))
        return f"{what} is not listed for {self.day}; nearest strikes: {near or 'none'}"


def choose_strike(
    wanted: RelativeStrike,
    option_type: OptionType,
    price: Decimal,
    strikes: Sequence[Decimal],
) -> Decimal:
    """Return the strike so many steps from ATM; `strikes` are listed, lowest first.

    ATM is the strike nearest to `price`, the lower of two that are as near. Raises
    `LookupError` beyond the last strike, `Unavailable` where `price` is out of all
    proportion to the strikes and so cannot be the underlying's.
    """
    if not strikes:
        raise LookupError
    if not strikes[0] / 2 <= price <= strikes[-1] * 2:
        raise Unavailable("FYERS's price of the underlying is none")
    above = bisect_left(strikes, price)
    atm = min(above, len(strikes) - 1)
    if above and price - strikes[above - 1] <= abs(strikes[atm] - price):
        atm = above - 1
    place = atm + wanted.up(option_type)
    if not 0 <= place < len(strikes):
        raise LookupError
    return strikes[place]


def unknown(message: str) -> BadRequest:
    """Return the refusal of a contract that is not listed."""
    return BadRequest(message, code="unknown_symbol")


def _key(strike: Decimal, option_type: OptionType) -> str:
    """Return the row's key, or one that no row has for a strike off the paise grid."""
    if not (strike.is_finite() and 0 < strike < _HIGHEST):
        return ""
    paise = int(strike * 100)
    # Decimal's product rounds beyond 28 digits; comparing does not.
    return f"{paise}{option_type}" if Decimal(paise).scaleb(-2) == strike else ""


def _plain(strike: Decimal) -> str:
    if not strike.is_finite() or abs(strike.adjusted()) > 20:
        return "that strike"
    text = f"{strike:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
