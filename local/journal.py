"""The journal of a day: one row for each alert, as text or CSV.

./dev.sh journal [--day 2026-11-25] [--csv]
./deploy.sh journal …                the same from Firestore

deploy.sh asks Firestore itself, since its own machine may have nothing but Python: once
`--query` prints what to ask, once `--answer` reads what came on standard input.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime

from local.deploying import firestore
from shared.adapters import store
from shared.idempotency import Claim
from shared.models import IST, PAPER
from shared.wiring import parts
from shared.wiring.process import deadline, settings

WITHIN = 30.0
"""Seconds for the store's answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One alert's line."""

    time: str
    alert: str
    state: str
    reason: str
    order: str
    order_id: str
    at: str
    stop: str
    target: str
    filled: str
    price: str
    ended: str
    rupees: str
    strategy: str


def row(claim: Claim) -> Row:
    """Return an alert's line; what does not apply is empty."""
    slip, story = claim.slip, claim.story
    order = slip.order if slip else None
    ticker = order.ticker.removeprefix(PAPER) if order else ""
    paper = "PAPER " if order and ticker != order.ticker else ""
    return Row(
        time=_clock(claim.created_at),
        alert=claim.what,
        state=claim.state,
        reason=claim.reason,
        order=f"{paper}{order.action} {order.qty} {ticker} {order.product}"
        if order
        else "",
        order_id=" ".join(claim.order_ids),
        at=_text(slip.ltp if slip else None),
        stop=_text(slip.stop_loss if slip else None),
        target=_text(slip.take_profit if slip else None),
        filled=_text(story.filled if story else None),
        price=_text(story.price if story else None),
        ended=_clock(story.ended_at) if story else "",
        rupees=_text(story.rupees if story else None),
        strategy=claim.strategy,
    )


def rows(day: date) -> list[Row]:
    """Return the rows of an IST day, oldest first; raise `Doubtful`."""
    store = parts.claim_store(settings("reconcile"))
    return [row(stored.claim) for stored in store.of_day(day, deadline(WITHIN))]


def main(arguments: Sequence[str]) -> int:
    """Print the journal."""
    options = _options(arguments)
    day = options.day or datetime.now(IST).date()
    if options.query:
        print(firestore.query(store.CLAIMS, "day", day.isoformat()))
        return 0
    if options.answer:
        try:
            answer = firestore.documents(sys.stdin.read())
        except firestore.NoAnswer as error:
            print(f"The database says: {error}", file=sys.stderr)
            return 1
        found = [row(stored.claim) for stored in store.claims_of(answer)]
    else:
        os.environ.setdefault("STATE_BACKEND", "local")
        os.environ.setdefault("FYERS_APP_ID", "journal")
        found = rows(day)
    if options.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(one) for one in found)
        return 0
    if not found:
        print(f"No alert came on {day}.")
    for one in found:
        print("  ".join(said for said in _said(one) if said))
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="journal", description=__doc__)
    add = parser.add_argument
    add("--day", type=date.fromisoformat, help="IST day; today if none")
    add("--csv", action="store_true", help="comma-separated, all columns")
    add("--query", action="store_true", help=argparse.SUPPRESS)
    add("--answer", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _said(one: Row) -> tuple[str, ...]:
    """Return the columns as text: each number with its name."""
    named = ("at", "stop", "target", "filled", "price", "ended", "rupees")
    return tuple(
        f"{name} {text}" if name in named and text else text
        for name, text in zip(one.__slots__, astuple(one), strict=True)
    )


def _clock(instant: datetime) -> str:
    return f"{instant.astimezone(IST):%H:%M:%S}"


def _text(value: object) -> str:
    return "" if value is None else str(value)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
