"""What our code promises of a position, checked at the moment it could break."""

from __future__ import annotations

from functools import cache

from shared.guard import GuardState, Verdict
from shared.orders import Answer
from tests.model.position.registry import Registry
from tests.model.position.world import Kind, Row, Running, Violation, World, sums_of

WRONGS = (
    "a bare short",
    "a stray exit",
    "a position of the wrong sign",
    "a close of ours larger than the position",
)
TOLD_AS = (
    (Verdict.EXITS_MISSING,),
    (Verdict.EXITS_BEYOND,),
    (Verdict.UNEXPECTED_POSITION,),
    (Verdict.EXITS_BEYOND,),
)
"""The risk that says so, once it was told (`exits_left_behind` is told as beyond)."""


def wrongs(w: World) -> tuple[bool, ...]:
    """Return which of `WRONGS` there are."""
    return _wrongs(w.rows, w.hand_stops)


@cache
def _wrongs(rows: tuple[Row, ...], hand_stops: int) -> tuple[bool, ...]:
    sums = sums_of(rows)
    rest, short = sums.rest, sums.short
    stops, targets = rest.get(Kind.STOP, 0), rest.get(Kind.TARGET, 0)
    return (
        short > stops + hand_stops,
        max(stops, targets) > short + rest.get(Kind.ENTRY, 0),
        sums.bought > sums.sold,
        sums.shown_covers > short,
    )


def mask_now(w: World) -> int:
    """Return what a run that begins now must see.

    Positions lag by seconds and runs come by the minute: what a run could not see for
    the lag the next one counts.
    """
    if w.lag != (0, 0):
        return 0
    return sum(1 << j for j, wrong in enumerate(wrongs(w)) if wrong)


def refreshed(w: World, before: World | None = None) -> World:
    """Return the world in which what is over no longer counts.

    A run under which FYERS changed, as against `before`, read two states at once and
    counts for nothing: the promise is of the second run after something happened.
    """
    now = wrongs(w)
    keep = sum(1 << j for j, wrong in enumerate(now) if wrong)
    torn = before is not None and w.rows != before.rows and _run_reads(w)
    if torn:
        keep = 0
    seen = tuple(
        n if wrong and not torn else 0 for n, wrong in zip(w.seen, now, strict=True)
    )
    actors = w.actors
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
    for j, wrong in enumerate(wrongs(w)):
        own = forgotten and w.bought - w.by_hand <= w.sold
        counts = wrong and not (own and TOLD_AS[j] == (Verdict.UNEXPECTED_POSITION,))
        seen[j] = min(2, seen[j] + (mask >> j & 1)) if counts else 0
        if seen[j] >= 2 and not set(TOLD_AS[j]) & told:
            return Violation(f"{WRONGS[j]} is told by the second run of the guard")
    return w._replace(seen=tuple(seen), lag=(0, 0))


def told_now(w: World, states: Registry[GuardState]) -> set[Verdict]:
    """Return what the owner was told and not that it is over."""
    if w.told < 0:
        return set()
    watches = states[w.told].watches
    return {
        risk.verdict
        for watch in watches
        for risk in watch.risks
        if risk.told_at is not None
    }


def crossed(w: World, n: int) -> Violation | None:
    """Return the promise that one more lot of a cover breaks."""
    if w.bought + 1 > w.sold and not w.rows[n].excused:
        return Violation("our own close never crosses zero")
    return None


def of_answer(w: World, answer: Answer, sent: bool) -> str:
    """Return the promise an answer breaks, empty for none."""
    status = answer.reply.status
    if status >= 500 and sent:
        return "who may have sent says no 5xx"
    if status == 400 and not answer.replayed:
        open_or_opening = w.short + w.rest(Kind.ENTRY)
        if open_or_opening > w.rest(Kind.COVER):
            return "no exit is refused for good while its position is open"
    return ""
