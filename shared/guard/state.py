"""What the guard remembers between two runs: the one document `guard/state`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from shared.idempotency import Outgoing

DAYS_SUMMED = 10
"""How many days' sums are kept: two weeks that traded."""


class Verdict(StrEnum):
    """What may be wrong with a contract, or with seeing it; also the notice's event."""

    EXITS_MISSING = "exits_missing"
    EXITS_WRONG = "exits_wrong"
    EXITS_BEYOND = "exits_beyond"
    EXITS_LEFT_BEHIND = "exits_left_behind"
    UNEXPECTED_POSITION = "unexpected_position"
    STOP_NOT_FILLED = "stop_not_filled"
    ORDER_FILLED = "order_filled"
    UNFILLED = "unfilled"
    PART_FILLED = "part_filled"
    ORDER_REJECTED = "order_rejected"
    ORDER_MISSING = "order_missing"
    CONVERTED = "position_converted"
    CARRIED = "carried_overnight"
    SQUARE_OFF = "square_off_failed"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Risk:
    """One thing that is wrong with a contract, from the run that first saw it."""

    verdict: Verdict
    about: str
    """What tells two states of one verdict apart: a quantity, an order id."""
    since: datetime
    told_at: datetime | None = None
    """Last time the owner was told; None while it may still pass."""
    times: int = 0
    """How often the owner was told."""
    runs: int = 1
    """In how many runs it was seen."""
    acknowledged: bool = False
    """The owner has seen it on the desk: not told again while it stays the same."""
    acted: bool = False
    """The position was closed for the owner, or that was tried."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A contract as the last run saw it; what the desk shows."""

    net: int
    """Contracts over all products; below zero is short."""
    product: str
    at: datetime
    ltp: Decimal | None = None
    entry_price: Decimal | None = None
    """Average fill of our entries, rupees."""
    stop: Decimal | None = None
    """Trigger of the working stop nearest to the price, rupees."""
    target: Decimal | None = None
    rupees: Decimal = Decimal(0)
    """Realized and unrealized, before charges, of the positions read."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One contract of the ledger."""

    ticker: str
    risks: tuple[Risk, ...] = ()
    reported: tuple[str, ...] = ()
    """What was told once of an order: `<tag>:<event>`."""
    checked: tuple[str, ...] = ()
    """Tags of entries whose exits were compared with what was sent."""
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Realized:
    """What one contract has brought in on a day, before charges, rupees."""

    ticker: str
    rupees: Decimal
    """As the positions show it, over all its trades of the day."""
    in_journal: Decimal = Decimal(0)
    """The part that stands in a claim's story by now."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What a day that traded brought in, before charges."""

    day: date
    """IST."""
    rupees: Decimal


@dataclass(frozen=True, slots=True)
class GuardState:
    """Everything told and seen; written by reconcile only."""

    ran_at: datetime
    channels: tuple[str, ...] = ()
    """Where notices go; empty: nowhere."""
    watches: tuple[Watch, ...] = ()
    blind_since: datetime | None = None
    blind_told: bool = False
    open_day: date | None = None
    """The last IST day on which the F&O market was seen open."""
    market_asked_at: datetime | None = None
    said: tuple[str, ...] = ()
    """Words of the day that were sent: `<date>:<what>`."""
    realized_on: date | None = None
    """IST day of `realized`."""
    realized: tuple[Realized, ...] = ()
    totals: tuple[DayTotal, ...] = ()
    """The last days that traded, oldest first; the desk shows them."""
    outbox: tuple[Outgoing, ...] = ()

    def on(self, today: date) -> GuardState:
        """Return the state of a day: what another day brought in is one sum."""
        if self.realized_on == today:
            return self
        totals = self.totals
        if self.realized_on is not None and self.realized:
            rupees = sum((one.rupees for one in self.realized), Decimal(0))
            totals = (*totals, DayTotal(self.realized_on, rupees))[-DAYS_SUMMED:]
        return replace(self, realized_on=today, realized=(), totals=totals)

    def watch(self, ticker: str) -> Watch:
        """Return what is known of a contract."""
        known = (watch for watch in self.watches if watch.ticker == ticker)
        return next(known, Watch(ticker))

    def realized_of(self, ticker: str) -> Realized:
        """Return what a contract has brought in on `realized_on`."""
        known = (one for one in self.realized if one.ticker == ticker)
        return next(known, Realized(ticker, Decimal(0)))

    def realizing(self, changed: Realized) -> GuardState:
        """Return the state with another account of one contract."""
        others = (one for one in self.realized if one.ticker != changed.ticker)
        return replace(self, realized=(*others, changed))

    def acknowledged(self, ticker: str, verdict: str) -> GuardState:
        """Return the state after the owner saw a risk on the desk."""
        return replace(
            self,
            watches=tuple(
                replace(
                    watch,
                    risks=tuple(
                        replace(risk, acknowledged=True)
                        if risk.verdict == verdict
                        else risk
                        for risk in watch.risks
                    ),
                )
                if watch.ticker == ticker
                else watch
                for watch in self.watches
            ),
        )
