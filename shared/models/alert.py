"""The alert: what the sender wants, every field checked on its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from shared.models.basics import Action, OptionType, Wanted

ALL = "ALL"
"""The symbol of an EXIT that means everything of ours."""


BY_HAND = ("desk:", "deploy:")
"""How the keys begin of what the owner sends by hand: from the desk, by deploy.sh."""


class Verb(StrEnum):
    """What an alert asks for. SELL and LONG open a position; BUY and EXIT close one."""

    SELL = "SELL"
    """Open a short, or reduce a long."""
    BUY = "BUY"
    """Close a short, never more."""
    LONG = "LONG"
    """Open a long."""
    EXIT = "EXIT"
    """Close what is open: of one contract, of a symbol, or of everything of ours."""
    PAUSE = "PAUSE"
    """Take no entries until the owner resumes them."""

    @property
    def entry(self) -> bool:
        """Return whether it opens a position; only then an alert is read strictly."""
        return self in (Verb.SELL, Verb.LONG)


class StrikeKind(StrEnum):
    """Where a relative strike lies from the money."""

    ATM = "ATM"
    OTM = "OTM"
    ITM = "ITM"


@dataclass(frozen=True, slots=True)
class RelativeStrike:
    """A strike counted in the steps of the listed strikes.

    ATM is signed upwards in price (`ATM-2` is two strikes below); OTM and ITM count 1
    to 20 away from ATM, on the side that the option type says.
    """

    kind: StrikeKind
    steps: int = 0

    def up(self, option_type: OptionType) -> int:
        """Return the steps above ATM in price, signed."""
        if self.kind is StrikeKind.ATM:
            return self.steps
        out = 1 if option_type is OptionType.CE else -1
        return self.steps * (out if self.kind is StrikeKind.OTM else -out)

    def __str__(self) -> str:
        if self.kind is StrikeKind.ATM:
            return f"ATM{self.steps:+}" if self.steps else "ATM"
        return f"{self.kind}{self.steps}"


Strike = Decimal | RelativeStrike


class ExpiryWord(StrEnum):
    """An expiry by its place among those that are not over."""

    WEEKLY = "WEEKLY"
    """The nearest, whatever its ticker's form."""
    NEXT_WEEKLY = "NEXT_WEEKLY"
    """The one after the nearest."""
    MONTHLY = "MONTHLY"
    """The nearest whose ticker has the monthly form."""
    NEXT_MONTHLY = "NEXT_MONTHLY"


WantedExpiry = ExpiryWord | date
"""A word, or an IST date."""


class Unit(StrEnum):
    """How an exit's place is given."""

    LEVEL = "level"
    """Rupees."""
    PERCENT = "percent"
    """Of the price."""
    POINTS = "points"
    """Rupees away from the price."""


@dataclass(frozen=True, slots=True)
class ExitWish:
    """Where the sender wants a stop or a target; `value` is above 0."""

    value: Decimal
    unit: Unit = Unit.LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One authenticated TradingView alert.

    SELL, BUY and LONG name a contract: symbol, strike, option type, expiry are there.
    For an EXIT each of the last three may be None (it narrows nothing). A PAUSE may
    carry nothing at all.
    """

    verb: Verb
    symbol: str
    """Underlying, upper case; `ALL` for an EXIT of everything; empty for a PAUSE."""
    exchange: str = ""
    """`NSE` or `BSE` where the sender named it, else empty."""
    strike: Strike | None = None
    option_type: OptionType | None = None
    expiry: WantedExpiry | None = None
    qty: int | None = None
    """Contracts. Without `qty` and `lots`: one lot (entry) or all of it (close)."""
    lots: int | None = None
    """In place of `qty`, never beside it."""
    product: Wanted | None = None
    sl: ExitWish | None = None
    tp: ExitWish | None = None
    strategy: str = ""
    comment: str = ""
    paper: bool = False
    time: datetime | None = None
    """When the alert fired, if it says so."""
    ignored: tuple[str, ...] = ()
    """What a close was sent with and does without; one phrase each, for the owner."""
    key: str | None = None
    """The sender's idempotency key, None where the content stands for it."""
    fingerprint: str
    """SHA-256 of the parsed body without `token`, 64 hex digits."""

    @property
    def entry(self) -> bool:
        """Return whether it opens a position."""
        return self.verb.entry

    @property
    def by_owner(self) -> bool:
        """Return whether the owner sent it by hand."""
        return (self.key or "").startswith(BY_HAND)

    @property
    def side(self) -> Action | None:
        """Return the side of its order; None where the position decides it."""
        match self.verb:
            case Verb.SELL:
                return Action.SELL
            case Verb.BUY | Verb.LONG:
                return Action.BUY
            case _:
                return None

    def contracts(self, lot: int) -> int | None:
        """Return the quantity in contracts, None where the alert names none."""
        return self.qty if self.lots is None else self.lots * lot

    @property
    def named(self) -> str:
        """Return the contract as a trader would say it, without its expiry."""
        strike = self.strike
        if isinstance(strike, Decimal):
            strike_text = f"{strike.normalize():f}"
        else:
            strike_text = str(strike or "")
        parts = (self.symbol, strike_text, self.option_type or "")
        return " ".join(part for part in parts if part)

    @property
    def words(self) -> str:
        """Return the alert as a trader would say it, without quantity."""
        parts = (self.verb, self.named, str(self.expiry or ""))
        return " ".join(part for part in parts if part)
