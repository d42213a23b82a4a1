"""Today's alerts, each with what became of it and its story step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.desk.words import contract_words, price, rupees
from shared.guard.state import GuardState
from shared.idempotency import (
    Claim,
    Claimed,
    Done,
    NotSent,
    Released,
    Reply,
    Sending,
    Slip,
    Stored,
    Story,
    Unknown,
)
from shared.models import PAPER, Verb


class Tone(StrEnum):
    """How urgent a word is; only `bad` is red."""

    GOOD = "good"
    IDLE = "idle"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to an alert."""

    text: str
    at: datetime | None = None
    """None where no time was kept."""


@dataclass(frozen=True, slots=True)
class Tale:
    """One alert as its line and, opened, as its story."""

    at: datetime
    what: str
    outcome: str
    tone: Tone
    steps: tuple[Step, ...]
    paper: bool = False


def tell(
    claims: Iterable[Stored], guards: Iterable[GuardState | None] = ()
) -> tuple[Tale, ...]:
    """Return the alerts, newest first."""
    reported: dict[str, list[str]] = {}
    for guard in guards:
        for watch in guard.watches if guard else ():
            for name in watch.reported:
                tag, _, event = name.partition(":")
                reported.setdefault(tag, []).append(event.replace("_", " "))
    tales = [_tale(stored.claim, reported) for stored in claims]
    return tuple(reversed(tales))


def _tale(claim: Claim, reported: dict[str, list[str]]) -> Tale:
    outcome, tone = _outcome(claim)
    events = reported.get(claim.slip.order.tag, []) if claim.slip else []
    return Tale(
        at=claim.created_at,
        what=_what(claim),
        outcome=outcome,
        tone=tone,
        steps=(*_steps(claim), *(Step(f"the guard saw: {event}") for event in events)),
        paper=is_paper(claim),
    )


def is_paper(claim: Claim) -> bool:
    """Return whether an alert's order was one of the paper account."""
    ticker = claim.slip.order.ticker if claim.slip else claim.ledger
    return ticker.startswith(PAPER)


def _what(claim: Claim) -> str:
    if claim.slip is None:
        return claim.what
    order = claim.slip.order
    named = contract_words(order.ticker, claim.contract)
    verb = claim.what.partition(" ")[0]
    return f"{verb if verb in set(Verb) else order.action} {order.qty} {named}"


def _outcome(claim: Claim) -> tuple[str, Tone]:
    match claim.at:
        case Done() as done:
            return _done(done, claim.story)
        case Unknown():
            return "unknown: FYERS may hold it", Tone.BAD
        case NotSent():
            return "not sent", Tone.IDLE
        case Released(retry=retry):
            return "waits for a resend" if retry else "refused", Tone.IDLE
        case Sending():
            return "at FYERS", Tone.PLAIN
        case Claimed():
            return "being handled", Tone.PLAIN


def _done(done: Done, story: Story | None) -> tuple[str, Tone]:
    if done.slip is None:
        return "done", Tone.GOOD
    if not done.order_ids:
        return "refused by FYERS", Tone.IDLE
    if story is None:
        return "placed", Tone.GOOD
    if not story.filled:
        return "nothing filled", Tone.IDLE
    return f"filled at {price(story.price)}", Tone.GOOD


def _steps(claim: Claim) -> Iterator[Step]:
    yield Step(f"received and claimed: {claim.what}", claim.created_at)
    if claim.told:
        yield Step(f"an earlier delivery sent nothing: {claim.told}")
    if claim.strategy:
        yield Step(f"strategy: {claim.strategy}")
    for child in claim.children:
        named = contract_words(child.contract.ticker, child.contract)
        yield Step(f"closes {named} {child.product}, see its own line")
    if claim.slip is not None:
        yield Step(_sent(claim.slip), claim.slip.sent_at)
    yield from _settled(claim)
    if claim.story is not None:
        story = claim.story
        if story.filled:
            yield Step(f"filled: {story.filled} at {price(story.price)}")
        ended = "ended: nothing open, nothing working"
        if story.rupees is not None:
            ended += f", {rupees(story.rupees)} realized before charges"
        yield Step(ended, story.ended_at)


def _sent(slip: Slip) -> str:
    order = slip.order
    ticker = order.ticker.removeprefix(PAPER)
    words = f"sent: {order.action} {order.qty} {ticker} {order.product}"
    levels = (
        ("price", slip.ltp),
        ("stop", slip.stop_loss),
        ("target", slip.take_profit),
    )
    known = [f"{name} {price(level)}" for name, level in levels if level is not None]
    words = ", ".join((words, *known))
    return f"{words} ({slip.note})" if slip.note else words


def _settled(claim: Claim) -> Iterator[Step]:
    match claim.at:
        case Done(order_ids=(), reply=reply, done_at=at):
            yield Step(_reply_words(reply), at)
        case Done(order_ids=ids, done_at=at):
            yield Step(f"accepted by FYERS as {', '.join(ids)}", at)
        case Released(reason=reason, retry=retry):
            again = "; a resend is waited for" if retry else ""
            yield Step(f"no order was sent: {reason}{again}", claim.touched_at)
        case NotSent(reason=reason):
            yield Step(f"settled as never executed: {reason}", claim.touched_at)
        case Unknown(reason=reason, closed=closed):
            looked = (
                "look at your order book in the FYERS app"
                if closed
                else "it is being looked up"
            )
            yield Step(f"unknown: {reason}; {looked}", claim.touched_at)
        case Sending() | Claimed():
            return


def _reply_words(reply: Reply) -> str:
    """Return what the sender was told of an alert that left no order."""
    try:
        body = json.loads(reply.body)
    except ValueError:
        body = {}
    said = body.get("error") or body.get("message") if isinstance(body, dict) else ""
    return f"answered: {said}" if said else "answered"


def realized(claims: Iterable[Stored]) -> tuple[tuple[datetime, Decimal], ...]:
    """Return the day's running total after each contract that ended, real ones only."""
    ends = sorted(
        (story.ended_at, story.rupees)
        for stored in claims
        if (story := stored.claim.story) is not None
        and story.rupees is not None
        and not is_paper(stored.claim)
    )
    total, points = Decimal(0), []
    for when, amount in ends:
        total += amount
        points.append((when, total))
    return tuple(points)
