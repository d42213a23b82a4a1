"""Holds an outcome against its row."""

from __future__ import annotations

import json

from tests.faults.invariants import broken
from tests.faults.playing import Outcome

NEXT = {"NOT_SENT": "410", "UNKNOWN": "202"}
"""What the same alert gets once more when its claim ended so."""


def check(outcome: Outcome) -> None:
    """Assert everything a row says, and what holds in every row."""
    story = _story(outcome)
    assert outcome.unstruck == (), story
    assert _seen(outcome) == _stated(outcome), story
    assert _repeats(outcome), story
    assert broken(outcome) == [], story


def _repeats(outcome: Outcome) -> bool:
    """Return whether the same alert, coming once more, got what its claim says."""
    again = outcome.again
    if again is None:
        return True
    if outcome.claim == "DONE":
        told = [_said(each.body) for each in outcome.deliveries if each.body]
        replayed = again.replayed and again.reply in ("200", "424")
        return replayed and all(
            _said(again.body) == each for each in told if "order_id" in each
        )
    return again.reply == NEXT.get(outcome.claim, again.reply)


def _said(body: bytes) -> dict[str, object]:
    """Return a reply but for FYERS's own words: its order book has others."""
    content: dict[str, object] = json.loads(body)
    return {name: content[name] for name in content if name != "order_response"}


def _seen(outcome: Outcome) -> dict[str, object]:
    if len(outcome.triggers) == 1:
        replies = tuple(delivery.reply for delivery in outcome.triggers[0])
    else:
        replies = tuple(trigger[-1].reply for trigger in outcome.triggers)
    return {
        "replies": replies,
        "orders": len(outcome.orders),
        "claim": outcome.claim,
        "told": outcome.told,
    }


def _stated(outcome: Outcome) -> dict[str, object]:
    """Return what the row says; of what is right either way, what was seen."""
    cell, seen = outcome.cell, _seen(outcome)
    replies = seen["replies"]
    assert isinstance(replies, tuple)
    stated = cell.replies
    if cell.times > 1:
        stated *= cell.times
    fits = len(replies) == len(stated) and all(
        reply in right.split("/") for reply, right in zip(replies, stated, strict=True)
    )
    return {
        "replies": replies if fits else cell.replies,
        "orders": seen["orders"] if seen["orders"] in cell.orders else cell.orders,
        "claim": seen["claim"] if seen["claim"] in cell.claim else cell.claim,
        "told": seen["told"] if seen["told"] in cell.told else cell.told,
    }


def _story(outcome: Outcome) -> str:
    """Return what happened, step by step."""
    steps = [
        f"{p.request_id:>12} on {p.server} {p.when:>6} {p.point} {p.tag[:6]} {p.told}"
        for p in outcome.passed
    ]
    return "\n".join(
        [
            outcome.cell.id,
            *steps,
            *(str(delivery) for delivery in outcome.deliveries),
            f"again: {outcome.again}",
            *outcome.lines,
        ]
    )
