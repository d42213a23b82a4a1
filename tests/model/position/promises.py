"""What our code promises of a position, checked at the moment it could break."""

from __future__ import annotations

from functools import cache

from shared.guard import GuardState, Verdict
from shared.orders import Answer
from tests.model.position.registry import Registry
from tests.model.position.world import (
    CAUGHT_UP,
    Kind,
    Row,
    Running,
    Violation,
    World,
    sums_of,
)

WRONGS = (
    "a bare position",
    "a stray exit",
    "a position of the wrong sign",
    "a close of ours larger than the position",
    "an exit of the product that was converted",
)
TOLD_AS = (
    (Verdict.EXITS_MISSING,),
    (Verdict.EXITS_BEYOND,),
    (Verdict.UNEXPECTED_POSITION,),
    (Verdict.EXITS_BEYOND,),
    (Verdict.CONVERTED,),
)
"""The risk that says so, once it was told (`exits_left_behind` is told as beyond)."""


def wrongs(w: World) -> int:
    """Return which of `WRONGS` there are, one bit for each."""
    return _wrongs(w.rows, w.moved, w.hand_stops)


@cache
def _wrongs(rows: tuple[Row, ...], moved: int, hand_stops: int) -> int:
    sums = sums_of(rows, moved)
    rest, size = sums.rest, sums.open
    stops, targets = rest.get(Kind.STOP, 0), rest.get(Kind.TARGET, 0)
    there = (
        size > stops + hand_stops,
        max(stops, targets) > size + rest.get(Kind.ENTRY, 0),
        sums.over > 0,
        sums.shown_closes > size,
        moved > 0 and size > 0 and not sums.intraday and max(stops, targets) > 0,
    )
    return sum(1 << j for j, wrong in enumerate(there) if wrong)


def mask_now(w: World) -> int:
    """Return what a run that begins now must see.

    Positions lag by seconds and runs come by the minute: what a run could not see for
    the lag the next one counts.
    """
    return wrongs(w) if w.lag == CAUGHT_UP else 0


def refreshed(w: World, before: World | None = None) -> World:
    """Return the world in which what is over no longer counts.

    A run under which FYERS changed, as against `before`, read two states at once and
    counts for nothing: the promise is of the second run after something happened.
    """
    keep = wrongs(w)
    if before is not None and w.rows != before.rows and _run_reads(w):
        keep = 0
    seen, actors = w.seen, w.actors
    if any(seen):
        seen = tuple(n if keep >> j & 1 else 0 for j, n in enumerate(seen))
    if any(isinstance(a, Running) and a.mask & ~keep for a in actors):
        actors = tuple(
            a._replace(mask=a.mask & keep) if isinstance(a, Running) else a
            for a in actors
        )
    if seen == w.seen and actors is w.actors:
        return w
    return w._replace(seen=seen, actors=actors)


def _run_reads(w: World) -> bool:
    return any(isinstance(a, Running) and a.guards for a in w.actors)


def of_run(
    w: World, mask: int, states: Registry[GuardState], forgotten: bool
) -> World | Violation:
    """Count what a run that ended has seen, and demand that it was told in time.

    A contract that was flat is `forgotten`: a hand order that trades there afterwards
    opens the owner's own position. It was named when the close was sent.
    """
    seen = list(w.seen)
    told = told_now(w, states)
    own = forgotten and w.sums.closed - w.by_hand <= w.sums.opened
    for j in range(len(WRONGS)):
        counts = wrongs(w) >> j & 1
        if own and TOLD_AS[j] == (Verdict.UNEXPECTED_POSITION,):
            counts = 0
        seen[j] = min(2, seen[j] + (mask >> j & 1)) if counts else 0
        if seen[j] >= 2 and not set(TOLD_AS[j]) & told:
            return Violation(f"{WRONGS[j]} is told by the second run of the guard")
    return w._replace(seen=tuple(seen), lag=CAUGHT_UP)


def told_now(w: World, states: Registry[GuardState]) -> set[Verdict]:
    """Return what the owner was told and not that it is over."""
    if w.told < 0:
        return set()
    watches = states[w.told].watches
    open_risks = {
        risk.verdict
        for watch in watches
        for risk in watch.risks
        if risk.told_at is not None
    }
    once = {
        Verdict(name.rpartition(":")[2]) for watch in watches for name in watch.reported
    }
    return open_risks | (once & {Verdict.CONVERTED})


def crossed(w: World, n: int) -> Violation | None:
    """Return the promise that one more lot of a close breaks."""
    row = w.rows[n]
    over = w.row(n, filled=row.filled + 1).over > w.over
    if over and not row.excused:
        return Violation("our own close never crosses zero")
    return None


def of_answer(w: World, answer: Answer, actor: Running, verb: str) -> str:
    """Return the promise an answer breaks, empty for none.

    A SELL closes what a LONG opened; beside one that only works it is refused. What a
    conversion left open in two products an alert closes that names one.
    """
    status = answer.reply.status
    if status >= 500 and actor.sent:
        return "who may have sent says no 5xx"
    if status == 400 and not answer.replayed:
        if actor.stale and (verb == "SELL" or is_ambiguous(answer)):
            return ""
        if is_ambiguous(answer) and in_two_products(w):
            return ""
        may_open = 0 if verb == "SELL" else w.rest(Kind.ENTRY)
        if w.open + may_open > w.rest(Kind.CLOSE):
            return "no exit is refused for good while its position is open"
    return ""


def is_ambiguous(answer: Answer) -> bool:
    """Return whether a close was refused for not naming one of two products."""
    return "ambiguous_position" in answer.reply.body


def in_two_products(w: World) -> bool:
    """Return whether a conversion left something open in each product."""
    return bool(w.sums.intraday and w.sums.margin)
