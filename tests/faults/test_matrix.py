"""The fault matrix: every cell ends as its table says; see `cells` for how to read it."""

from __future__ import annotations

import pytest

from tests.faults.cells import Cell
from tests.faults.conftest import Matrix
from tests.faults.invariants import broken
from tests.faults.playing import Outcome
from tests.faults.table_fyers import FYERS
from tests.faults.table_kills import KILLS
from tests.faults.table_stores import STORES

CELLS = [*FYERS, *STORES, *KILLS]

NEXT = {"NOT_SENT": {"410"}, "UNKNOWN": {"202"}}
"""What the same alert gets once more when its claim ended so."""


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)
def test_a_cell_ends_as_stated(matrix: Matrix, cell: Cell) -> None:
    outcome = matrix.outcome(cell)
    assert _seen(outcome) == _stated(outcome), _story(outcome)
    assert broken(outcome) == [], _story(outcome)


def _seen(outcome: Outcome) -> dict[str, object]:
    (trigger,) = outcome.triggers
    return {
        "replies": tuple(delivery.reply for delivery in trigger),
        "orders": len(outcome.orders),
        "claim": outcome.claim,
        "told": outcome.told,
    }


def _stated(outcome: Outcome) -> dict[str, object]:
    """Return what the row says; of what is right either way, what was seen."""
    cell, seen = outcome.cell, _seen(outcome)
    replies = seen["replies"]
    assert isinstance(replies, tuple)
    fits = len(replies) == len(cell.replies) and all(
        reply in stated.split("/")
        for reply, stated in zip(replies, cell.replies, strict=True)
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
        f"{p.request_id:>12} server {p.server} {p.when:>6} {p.point} {p.tag[:6]} {p.told}"
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
