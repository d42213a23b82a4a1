"""The invariants see what they are for: each is broken by one made-up outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.standins.tradingview import Delivery
from tests.faults.cells import Cell
from tests.faults.director import Passed
from tests.faults.invariants import INVARIANTS, broken
from tests.faults.playing import Outcome, Sent

CELL = Cell("t", (), "SELL", ("200",), (1,), ("DONE",), ((),))
GOOD = Outcome(
    cell=CELL,
    triggers=((Delivery("d1", "200"),),),
    orders=({"id": "1"},),
    claim="DONE",
    told=(),
    claim_at_once="DONE",
    claim_after_one="DONE",
    told_after_one=(),
    orders_after_one=1,
    sent=(Sent("tag", "", 200),),
    passed=(Passed("place", "before", 0, "d1", "tag", "go"),),
    unstruck=(),
    excess=0,
    crossed=0,
    orders_at_last=1,
)
UNSURE = replace(GOOD, triggers=((Delivery("d1", "503"),),))


def test_a_good_outcome_breaks_nothing() -> None:
    assert broken(GOOD) == []


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("one_order", replace(GOOD, orders=({"id": "1"}, {"id": "2"}))),
        ("one_order", replace(GOOD, orders_at_last=2)),
        ("nothing_crosses_zero", replace(GOOD, crossed=65)),
        ("order_is_known", replace(GOOD, claim_after_one="SENDING")),
        ("no_5xx_after_sending", UNSURE),
        ("success_is_stored", replace(GOOD, claim_at_once="UNKNOWN")),
        (
            "nothing_lost_in_silence",
            replace(GOOD, orders=(), triggers=((Delivery("d1", "202"),),)),
        ),
        (
            "nothing_lost_in_silence",
            replace(GOOD, orders=(), triggers=((Delivery("d1", "gone"),),)),
        ),
        ("no_exits_left_behind", replace(GOOD, excess=65)),
        ("in_time", replace(GOOD, triggers=((Delivery("d1", "late"),),))),
    ],
)
def test_an_outcome_breaks_its_invariant(name: str, outcome: Outcome) -> None:
    assert not INVARIANTS[name](outcome)


@pytest.mark.parametrize("fault", ["rate", "expired", "not_allowed"])
def test_a_5xx_after_a_proven_refusal_is_right(fault: str) -> None:
    outcome = replace(UNSURE, sent=(Sent("tag", fault, 429),))
    assert INVARIANTS["no_5xx_after_sending"](outcome)


def test_a_5xx_of_a_delivery_that_called_nobody_is_right() -> None:
    assert INVARIANTS["no_5xx_after_sending"](replace(UNSURE, passed=()))
