"""What the front page shows, made of one reading: values only, no markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from shared.desk.board import Board
from shared.desk.stories import Tale, Tone, is_paper, realized, tell
from shared.desk.words import contract_words, counted, grouped, hm
from shared.guard.state import GuardState, Risk, Seen, Verdict, Watch
from shared.idempotency import NotSent, Stored, Unknown
from shared.models import IST, PAPER, Contract

STALE = timedelta(minutes=5)
"""Reconcile runs every minute; this late, nobody watches."""

BEFORE = 5
"""How many weekdays before today are linked."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One open contract as the guard last saw it."""

    ticker: str
    what: str
    paper: bool
    net: int
    product: str
    seen: Seen
    cover: str
    """How it is protected, in words."""
    tone: Tone

    @property
    def side(self) -> str:
        """Return `short` or `long`."""
        return "short" if self.net < 0 else "long"

    @property
    def covered(self) -> bool:
        """Return whether stop and target both work."""
        return self.seen.stop is not None and self.seen.target is not None


@dataclass(frozen=True, slots=True)
class Alarm:
    """What needs the owner's hand, with the buttons that fit it."""

    text: str
    since: datetime | None = None
    ticker: str = ""
    verdict: str = ""
    """With a ticker: what an acknowledgement names."""
    exits: bool = False
    """The position can be closed from here."""
    product: str = ""
    login: bool = False


@dataclass(frozen=True, slots=True)
class Rail:
    """One guardrail with what is used of it."""

    name: str
    used: str
    percent: int | None = None
    """Of the limit, 0 to 100; None where nothing is counted."""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Curve:
    """The day's realized rupees, step by step; empty while nothing has ended."""

    points: tuple[tuple[datetime, Decimal], ...] = ()

    @property
    def total(self) -> Decimal:
        """Return where it stands."""
        return self.points[-1][1] if self.points else Decimal(0)


@dataclass(frozen=True, slots=True)
class DayBefore:
    """A day whose journal is a tap away."""

    day: date
    rupees: Decimal | None
    """Realized, as the guard summed it up; None where no sum is kept."""


@dataclass(frozen=True, slots=True)
class Front:
    """The whole front page."""

    now: datetime
    sentence: str
    tone: Tone
    paused: str
    """Why and since when entries are paused; empty while they are taken."""
    alarms: tuple[Alarm, ...]
    noticed: tuple[str, ...]
    """What is wrong and was acknowledged."""
    holdings: tuple[Holding, ...]
    tales: tuple[Tale, ...]
    curve: Curve
    open_rupees: Decimal
    rails: tuple[Rail, ...]
    facts: tuple[tuple[str, str], ...]
    before: tuple[DayBefore, ...]
    auth_url: str


def front(board: Board) -> Front:
    """Return the front page of a reading."""
    holdings = tuple(_holdings(board))
    alarms = tuple(_alarms(board, holdings))
    real = [one for one in holdings if not one.paper]
    paused = board.control.paused
    why = f"since {hm(paused.at)} ({paused.reason})" if paused else ""
    curve = Curve(realized(board.claims))
    return Front(
        now=board.now,
        sentence=_sentence(board, alarms, real),
        tone=Tone.BAD if alarms else Tone.IDLE if paused else Tone.GOOD,
        paused=why,
        alarms=alarms,
        noticed=tuple(_noticed(board)),
        holdings=holdings,
        tales=tell(board.claims, (board.guard, board.paper)),
        curve=curve,
        open_rupees=sum((one.seen.rupees for one in real), Decimal(0)),
        rails=tuple(_rails(board, real, curve)),
        facts=tuple(_facts(board)),
        before=days_before(board.today, board.guard),
        auth_url=board.rules.auth_url,
    )


# --- The sentence ---------------------------------------------------------------------


def _sentence(board: Board, alarms: tuple[Alarm, ...], real: list[Holding]) -> str:
    number, leads = len(alarms), []
    if alarms:
        leads.append(
            "One thing needs you." if number == 1 else f"{number} things need you."
        )
    if board.control.paused:
        leads.append("Entries are paused.")
    lead = " ".join(leads) or "All quiet."
    return f"{lead} {_open_words(real)} {_used_words(board)}"


def _open_words(real: list[Holding]) -> str:
    if not real:
        return "Nothing is open."
    sides = [
        counted(number, side)
        for side in ("short", "long")
        if (number := sum(one.side == side for one in real))
    ]
    words = f"{' and '.join(sides)} open"
    covered = sum(one.covered for one in real)
    if covered == len(real):
        every = {1: "", 2: "both "}.get(len(real), "all ")
        return f"{words}, {every}with stop and target."
    bare = sum(one.seen.stop is None for one in real)
    if bare == len(real):
        return f"{words} without a stop."
    if bare:
        return f"{words}, {bare} of them without a stop."
    return f"{words}, {len(real) - covered} of them without a target."


def _used_words(board: Board) -> str:
    used, most = entries_used(board), board.rules.limits.entries_per_day
    if most:
        return f"{used} of {counted(most, 'entry')} used."
    return f"{counted(used, 'entry')} today."


def entries_used(board: Board) -> int:
    """Return the day's entries: places taken, or orders sent where none are counted."""
    if board.rules.limits.counts:
        return sum(not place.paper for place in board.control.places)
    return sum(
        stored.claim.our_order is not None
        and not stored.claim.closes
        and not is_paper(stored.claim)
        for stored in board.claims
    )


# --- Positions ------------------------------------------------------------------------


def contracts(board: Board) -> Mapping[str, Contract]:
    """Return every contract that our claims name, by ticker."""
    return {
        stored.claim.ledger: contract
        for stored in (*board.claims, *board.ledger)
        if (contract := stored.claim.contract) is not None and stored.claim.ledger
    }


def _watches(board: Board) -> Iterator[Watch]:
    for state in (board.guard, board.paper):
        if state is not None:
            yield from sorted(state.watches, key=lambda watch: watch.ticker)


def _holdings(board: Board) -> Iterator[Holding]:
    known = contracts(board)
    for watch in _watches(board):
        seen = watch.seen
        if seen is None or not seen.net:
            continue
        risky = any(_is_open(risk) for risk in watch.risks)
        yield Holding(
            ticker=watch.ticker,
            what=contract_words(watch.ticker, known.get(watch.ticker)),
            paper=watch.ticker.startswith(PAPER),
            net=seen.net,
            product=seen.product,
            seen=seen,
            cover=_cover(seen),
            tone=Tone.BAD if risky else Tone.PLAIN,
        )


def _cover(seen: Seen) -> str:
    if seen.stop is not None:
        return "stop and target" if seen.target is not None else "stop, no target"
    return "target, no stop" if seen.target is not None else "no stop, no target"


# --- What needs a hand ----------------------------------------------------------------


def _is_open(risk: Risk) -> bool:
    """Return whether a risk was told and not acknowledged."""
    return risk.told_at is not None and not risk.acknowledged


def _alarms(board: Board, holdings: tuple[Holding, ...]) -> Iterator[Alarm]:
    if board.connected_until <= board.now:
        yield Alarm("FYERS is not connected. No order goes out.", login=True)
    yield from _unwatched(board)
    known = contracts(board)
    for watch in _watches(board):
        for risk in watch.risks:
            if _is_open(risk):
                yield _of_risk(watch, risk, known.get(watch.ticker))
    for stored in board.claims:
        claim = stored.claim
        if isinstance(claim.at, Unknown):
            todo = (
                "Look at your order book in the FYERS app"
                if claim.at.closed
                else "It is being looked up; do not place it by hand yet"
            )
            yield Alarm(
                f"{claim.what}: FYERS may hold this order. {todo}.", claim.created_at
            )
        elif isinstance(claim.at, NotSent) and claim.closes:
            yield from _not_closed(claim.what, claim.contract, holdings)


def _not_closed(
    what: str, contract: Contract | None, holdings: tuple[Holding, ...]
) -> Iterator[Alarm]:
    """A close that was never sent, while its position is still open."""
    for one in holdings:
        if contract is not None and one.ticker == contract.ticker:
            yield Alarm(
                f"{what}: this close was not sent, and {abs(one.net)} {one.what} are "
                "still open.",
                ticker=one.ticker,
                exits=True,
                product=one.product,
            )


def _unwatched(board: Board) -> Iterator[Alarm]:
    guard = board.guard
    if guard is None:
        yield Alarm("The guard has not run yet: nobody watches your positions.")
    elif board.now - guard.ran_at > STALE:
        yield Alarm(
            "The guard has stopped running: nobody watches your positions.",
            guard.ran_at,
        )
    elif guard.blind_told:
        yield Alarm(
            "Orders and positions cannot be checked. Watch them in the FYERS app.",
            guard.blind_since,
        )


def _of_risk(watch: Watch, risk: Risk, contract: Contract | None) -> Alarm:
    size = abs(watch.seen.net) if watch.seen else 0
    named = contract_words(watch.ticker, contract)
    return Alarm(
        text=f"{size or ''} {named} {_fault(risk)}".strip(),
        since=risk.since,
        ticker=watch.ticker,
        verdict=risk.verdict,
        exits=bool(size),
        product=watch.seen.product if watch.seen else "",
    )


def _fault(risk: Risk) -> str:
    match risk.verdict:
        case Verdict.EXITS_MISSING:
            lacking = risk.about.partition(":")[2].replace("+", " and no working ")
            return f"has no working {lacking or 'exits'}. Place it, or close."
        case Verdict.EXITS_BEYOND:
            return (
                f"has orders ({risk.about}) that could trade more than is open. "
                "Cancel them in the FYERS app."
            )
        case Verdict.UNEXPECTED_POSITION:
            return "is a position that no alert asked for. Close it."
        case Verdict.STOP_NOT_FILLED:
            return (
                f"has reached its stop and the stop does not fill ({risk.about}). "
                "The loss is not limited."
            )
        case _:
            return f"needs a look: {risk.verdict.replace('_', ' ')}."


def _noticed(board: Board) -> Iterator[str]:
    known = contracts(board)
    for watch in _watches(board):
        for risk in watch.risks:
            if risk.told_at is not None and risk.acknowledged:
                yield _of_risk(watch, risk, known.get(watch.ticker)).text


# --- Guardrails -----------------------------------------------------------------------


def _rails(board: Board, real: list[Holding], curve: Curve) -> Iterator[Rail]:
    limits, rules = board.rules.limits, board.rules
    if limits.entries_per_day:
        yield _counted("Entries today", entries_used(board), limits.entries_per_day)
    if limits.open_lots:
        yield _counted("Lots open", _open_lots(board, real), limits.open_lots)
    if limits.daily_loss:
        yield _loss(board, real, curve)
    if limits.window:
        first, last = limits.window
        inside = first <= board.now.astimezone(IST).time() < last
        yield Rail(
            "Entry window",
            f"{first:%H:%M}–{last:%H:%M}, {'open' if inside else 'closed'} now",
        )
    if rules.square_off_at:
        yield Rail("Square-off of INTRADAY", f"{rules.square_off_at:%H:%M}")
    if rules.paper:
        yield Rail("Paper", "every entry goes to the paper account", tone=Tone.IDLE)


def _counted(name: str, used: int, most: int) -> Rail:
    percent = min(100, used * 100 // most)
    tone = Tone.IDLE if used >= most else Tone.PLAIN
    return Rail(name, f"{used} of {most}", percent, tone)


def _open_lots(board: Board, real: list[Holding]) -> int:
    known = contracts(board)
    return sum(
        -(-abs(one.net) // contract.lot)
        for one in real
        if (contract := known.get(one.ticker)) is not None
    )


def _loss(board: Board, real: list[Holding], curve: Curve) -> Rail:
    limit = board.rules.limits.daily_loss
    loss = -(curve.total + sum((one.seen.rupees for one in real), Decimal(0)))
    used = max(Decimal(0), loss)
    reached = board.control.loss_on == board.today
    words = f"₹{grouped(int(used))} of ₹{grouped(int(limit))}"
    if reached:
        words += ", reached: entries rest until tomorrow"
    percent = 100 if reached else min(100, int(used * 100 / limit))
    return Rail("Loss today", words, percent, Tone.IDLE if reached else Tone.PLAIN)


# --- How it stands --------------------------------------------------------------------


def _facts(board: Board) -> Iterator[tuple[str, str]]:
    until, guard = board.connected_until, board.guard
    alive = board.now < until
    yield (
        "FYERS",
        f"connected until {_when(until, board)}" if alive else "not connected",
    )
    yield "Entries", "paused" if board.control.paused else "taken"
    last = board.claims[-1].claim.created_at if board.claims else None
    yield "Last alert", _when(last, board) if last else "none today"
    yield "Last check", _when(guard.ran_at, board) if guard else "never"
    yield "Notifications", "on" if board.rules.notifies else "none configured"


def _when(instant: datetime, board: Board) -> str:
    day = instant.astimezone(IST).date()
    if day == board.today:
        return hm(instant)
    if day == board.today + timedelta(days=1):
        return f"{hm(instant)} tomorrow"
    return f"{hm(instant)} on {day.day} {day:%b}"


def days_before(today: date, guard: GuardState | None) -> tuple[DayBefore, ...]:
    """Return the last weekdays before a day, newest first, with what they brought."""
    # The last day that traded is summed up by the first run of the next one.
    now = guard.on(today) if guard is not None else None
    totals = {one.day: one.rupees for one in now.totals} if now else {}
    days = (today - timedelta(days=back) for back in range(1, BEFORE * 2))
    weekdays = [day for day in days if day.weekday() < 5][:BEFORE]
    return tuple(DayBefore(day, totals.get(day)) for day in weekdays)


@dataclass(frozen=True, slots=True)
class Past:
    """Another day's journal."""

    day: date
    tales: tuple[Tale, ...]
    curve: Curve
    before: tuple[DayBefore, ...]


def past(day: date, claims: tuple[Stored, ...], guard: GuardState | None) -> Past:
    """Return a day's journal."""
    return Past(day, tell(claims), Curve(realized(claims)), days_before(day, guard))
