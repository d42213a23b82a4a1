"""What may stop an entry, and never a close: the one document `control/entries`.

An entry first takes its place in the document, by version, and is then judged by what
was read beside that: the positions, the places taken *before* its own, and itself. So
two entries at once can never both pass the last place, whichever instance has them. A
place is named by its alert's mark: a resend finds it again, and an equal alert an hour
later, which has the same claim id, takes one of its own. Real and paper entries are
counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from shared.errors import BadRequest, Conflict, Doubtful, Unavailable
from shared.models import (
    IST,
    Action,
    Clock,
    Deadline,
    Flight,
    Kept,
    OurOrder,
    Position,
)

UNCONFIRMED = timedelta(minutes=2)
"""How long a place is kept for an entry that never came to be sent."""

JUST_NOW = timedelta(seconds=10)
"""A place this young may belong to an entry that is on its way."""


class Limits(NamedTuple):
    """The owner's limits on entries; zero or None is off."""

    open_lots: int = 0
    entries_per_day: int = 0
    daily_loss: Decimal = Decimal(0)
    """Rupees."""
    window: tuple[time, time] | None = None
    """IST, by the clock."""

    @property
    def counts(self) -> bool:
        """Return whether entries must take places."""
        return bool(self.open_lots or self.entries_per_day)


@dataclass(frozen=True, slots=True)
class Pause:
    """Why and since when no entry is taken."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """One entry's place of the day."""

    claim: str
    """Key of the entry's claim."""
    ticker: str
    lots: int
    at: datetime
    sent: bool = False
    """Its order was seen to have gone to FYERS, or may have."""
    alert: str = ""
    """The mark of its alert."""
    paper: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """The state of entries as every instance sees it."""

    paused: Pause | None = None
    day: date | None = None
    """IST day that the places below belong to."""
    places: tuple[Place, ...] = ()
    loss_on: date | None = None
    """The IST day on which MAX_DAILY_LOSS was reached; it holds until the day ends."""
    paper_loss_on: date | None = None
    """The same of the paper account."""
    told: tuple[str, ...] = ()
    """Rules whose refusal was told on `day`."""

    def on(self, today: date) -> Control:
        """Return the control of a day: places and words of another day are gone."""
        if self.day == today:
            return self
        return Control(paused=self.paused, day=today)


class Guarded(BadRequest):
    """A guardrail refused an entry."""

    def __init__(self, rule: str, message: str, *, code: str = "guardrail") -> None:
        super().__init__(message, code)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a judgement is made of besides the places."""

    positions: tuple[Position, ...]
    """Every row read."""
    ours: Mapping[str, tuple[OurOrder, ...]]
    """Our orders of the ledger by the marks of their alerts."""
    lots: Mapping[str, int]
    """Contracts per lot of every ticker of ours."""


class Entries:
    """The entry control over its one document; safe from several threads."""

    def __init__(
        self,
        kept: Kept[Control],
        limits: Limits,
        clock: Clock,
        lock: AbstractContextManager[object],
        was_sent: Callable[[str, str, Deadline], bool],
    ) -> None:
        """Take the lock that orders this instance's own writes.

        `was_sent` says of a claim's key and an alert's mark whether FYERS may have got
        the order.
        """
        self._kept = kept
        self._limits = limits
        self._clock = clock
        self._lock = lock
        self._was_sent = was_sent
        self._last: tuple[Control, str | None] | None = None

    # --- Taking a place -------------------------------------------------------------

    def admit(self, own: Place, deadline: Deadline) -> Control:
        """Return the control with this entry's place in it; raise `Guarded`.

        Pause and window are judged here; what needs the account is judged by `judge`.
        Raises `Unavailable` without an answer of the store.
        """
        self._in_window()
        if not self._limits.counts:
            return self._open(self._read(deadline), own)

        def take(control: Control) -> Control:
            control = self._open(control, own)
            if any(place.alert == own.alert for place in control.places):
                return control
            return replace(control, places=(*self._living(control, deadline), own))

        return self._change(take, deadline)

    def _open(self, control: Control, own: Place) -> Control:
        control = control.on(self._today())
        if control.paused is not None:
            raise Guarded(
                "pause",
                f"entries are paused since {_hm(control.paused.at)} IST "
                f"({control.paused.reason}); resume them on the desk or with "
                "./deploy.sh resume",
                code="paused",
            )
        lost_on = control.paper_loss_on if own.paper else control.loss_on
        if self._limits.daily_loss and lost_on == control.day:
            raise Guarded(
                "MAX_DAILY_LOSS",
                f"the day's loss reached MAX_DAILY_LOSS of {self._limits.daily_loss:f} "
                "rupees; entries rest until tomorrow",
            )
        return control

    def _in_window(self) -> None:
        window = self._limits.window
        now = self._clock().astimezone(IST).time()
        if window is not None and not window[0] <= now < window[1]:
            raise Guarded(
                "ENTRY_WINDOW",
                f"it is {now:%H:%M} IST, outside ENTRY_WINDOW "
                f"{window[0]:%H:%M}-{window[1]:%H:%M}",
            )

    def _living(
        self, control: Control, deadline: Deadline, *, ask: timedelta = UNCONFIRMED
    ) -> tuple[Place, ...]:
        """Return the places without those of entries that died before SENDING.

        Places older than `ask` are looked up by their claims.
        """
        now = self._clock()
        kept = []
        for place in control.places:
            age = now - place.at
            if not place.sent and age >= ask:
                sent = self._was_sent(place.claim, place.alert, deadline)
                if not sent and age >= UNCONFIRMED:
                    continue
                place = replace(place, sent=sent)  # the same place
            kept.append(place)
        return tuple(kept)

    # --- Judging --------------------------------------------------------------------

    def judge(self, control: Control, own: Place, exposure: Exposure) -> None:
        """Raise `Guarded` where the account and earlier places leave no room."""
        limits = self._limits
        loss = -sum(
            (row.realized + row.unrealized for row in exposure.positions), Decimal(0)
        )
        if limits.daily_loss and loss >= limits.daily_loss:
            raise Guarded(
                "MAX_DAILY_LOSS",
                f"the day's loss of {loss:.0f} rupees reached MAX_DAILY_LOSS of "
                f"{limits.daily_loss:f}; entries rest until tomorrow",
            )
        if not limits.counts:
            return
        places = [place for place in control.places if place.paper is own.paper]
        marks = [place.alert for place in places]
        if own.alert not in marks:
            raise Unavailable("this entry has lost its place of the day")
        used = marks.index(own.alert)
        if limits.entries_per_day and used >= limits.entries_per_day:
            raise Guarded(
                "MAX_ENTRIES_PER_DAY",
                f"{limits.entries_per_day} of {limits.entries_per_day} entries of the "
                "day are used (MAX_ENTRIES_PER_DAY)",
            )
        if limits.open_lots:
            open_now = _open_lots(exposure, places[:used], self._clock())
            if open_now + own.lots > limits.open_lots:
                raise Guarded(
                    "MAX_OPEN_LOTS",
                    f"{open_now} of {limits.open_lots} lots are open or on their way, "
                    f"and this entry would add {own.lots} (MAX_OPEN_LOTS)",
                )

    # --- Giving back ----------------------------------------------------------------

    def give_back(self, alert: str, deadline: Deadline) -> None:
        """Free the place of an entry that was not sent; raise nothing."""
        if self._limits.counts:
            self._try(lambda control: _without(control, alert), deadline)

    def refused(
        self, alert: str, refusal: Guarded, deadline: Deadline, *, paper: bool = False
    ) -> bool:
        """Free the place and return whether the rule's refusal is the day's first."""
        rule = f"{'paper ' if paper else ''}{refusal.rule}"
        first: list[bool] = []

        def note(control: Control) -> Control:
            control = _without(control, alert)
            first.append(rule not in control.told)
            if refusal.rule == "MAX_DAILY_LOSS" and paper:
                control = replace(control, paper_loss_on=control.day)
            elif refusal.rule == "MAX_DAILY_LOSS":
                control = replace(control, loss_on=control.day)
            told = control.told if not first[-1] else (*control.told, rule)
            return replace(control, told=told)

        self._try(note, deadline)
        return first[-1] if first else True

    def confirm(self, deadline: Deadline) -> None:
        """Mark the places whose entries were sent and drop those that died.

        What was sent is counted by its claim or its position from then on, so that an
        entry that closed within the minute frees its lots.
        """

        def look(control: Control) -> Control:
            places = self._living(control, deadline, ask=timedelta(0))
            return replace(control, places=places)

        if self._limits.counts:
            self._try(look, deadline)

    # --- Pause ----------------------------------------------------------------------

    def pause(self, reason: str, deadline: Deadline) -> tuple[Place, ...]:
        """Stop entries until the owner resumes them; return those on their way.

        Raises `Unavailable`.
        """

        def stop(control: Control) -> Control:
            if control.paused is not None:
                return control
            return replace(control, paused=Pause(reason, self._clock()))

        control = self._change(stop, deadline)
        now = self._clock()
        return tuple(p for p in control.places if now - p.at < JUST_NOW)

    def resume(self, deadline: Deadline) -> None:
        """Take entries again; raise `Unavailable`."""
        self._change(lambda control: replace(control, paused=None), deadline)

    # --- The document ---------------------------------------------------------------

    def _read(self, deadline: Deadline) -> Control:
        try:
            control, version = self._kept.read(deadline)
        except Doubtful:
            raise Unavailable("the entry control gives no answer") from None
        self._last = control or Control(), version
        return self._last[0]

    def _try(self, become: Callable[[Control], Control], deadline: Deadline) -> None:
        try:
            self._change(become, deadline)
        except Unavailable:
            return  # a place that stays is dropped after two minutes

    def _change(
        self, become: Callable[[Control], Control], deadline: Deadline
    ) -> Control:
        """Write what `become` makes of the control; raise what it raises.

        What this instance wrote last is tried first: a version that moved is read anew.
        """
        with self._lock:
            while deadline.left():
                remembered = self._last is not None
                if not remembered:
                    self._read(deadline)
                control, version = self._last or (Control(), None)
                try:
                    changed = become(control.on(self._today()))
                except Guarded:
                    if not remembered:
                        raise
                    self._last = None  # the owner may have resumed meanwhile
                    continue
                if self._stored(control, changed, version, deadline):
                    return changed
        raise Unavailable("the entry control gives no answer in time")

    def _stored(
        self,
        control: Control,
        changed: Control,
        version: str | None,
        deadline: Deadline,
    ) -> bool:
        """Return whether `changed` is what the store holds now."""
        if changed == control:
            return self._fresh(control, version, deadline)
        self._last = None
        try:
            self._last = changed, self._kept.write(changed, version, deadline)
        except Conflict:
            return False
        except Doubtful:
            return self._read(deadline) == changed
        return True

    def _fresh(self, control: Control, version: str | None, deadline: Deadline) -> bool:
        """Return whether what is remembered is still what is stored."""
        return self._read(deadline) == control and self._last == (control, version)

    def _today(self) -> date:
        return self._clock().astimezone(IST).date()


def _without(control: Control, alert: str) -> Control:
    places = tuple(place for place in control.places if place.alert != alert)
    return replace(control, places=places)


def _open_lots(exposure: Exposure, earlier: Iterable[Place], now: datetime) -> int:
    """Return the lots open, or that earlier entries may still open.

    What FYERS's positions show is no longer on its way; a resting or lagging entry is
    counted by its claim, one that was not sent yet by its place.
    """
    lots = 0
    for ticker, size in exposure.lots.items():
        rows = [row for row in exposure.positions if row.ticker == ticker]
        contracts = sum(abs(row.net_qty) for row in rows)
        for side in Action:
            contracts += _on_their_way(exposure, ticker, side, rows, now)
        lots += -(-contracts // size)
    for place in earlier:
        if place.alert not in exposure.ours and not place.sent:
            lots += place.lots if now - place.at < UNCONFIRMED else 0
    return lots


def _on_their_way(
    exposure: Exposure, ticker: str, side: Action, rows: list[Position], now: datetime
) -> int:
    """Return the contracts of today's entries that positions do not show yet.

    What was traded before the first of them belongs to earlier trades of the day.
    """
    entries = [
        our
        for orders in exposure.ours.values()
        for our in orders
        if (our.order.ticker, our.order.action) == (ticker, side)
        and not our.closes
        and our.flight is not Flight.ABSENT
        and our.day == _day(now)
    ]
    if not entries:
        return 0
    bought = side is Action.BUY
    shown = sum(row.day_bought if bought else row.day_sold for row in rows)
    before = min(our.traded_before for our in entries)
    return max(0, sum(our.order.qty for our in entries) - max(0, shown - before))


def _day(now: datetime) -> date:
    return now.astimezone(IST).date()


def _hm(instant: datetime) -> str:
    return f"{instant.astimezone(IST):%H:%M}"
