"""Paths on which a promise was once broken; the code was changed for each."""

from __future__ import annotations

import pytest

from tests.model.cast import Machine
from tests.model.explorer import follow
from tests.model.game import Game
from tests.model.world import Bounds

REFUSED = (
    "delivery 1 begins",
    "delivery 1: create",
    "delivery 1: quote without a price",
    "delivery 1: writes RELEASED",
    "delivery 1: tells ltp_unavailable",
    "delivery 1: writes RELEASED",
    "duplicate 1 begins",
    "duplicate 1: create finds another",
    "duplicate 1: read",
    "duplicate 1: writes CLAIMED",
    "duplicate 1: quote",
    "duplicate 1: writes SENDING",
)
AFTER_REFUSAL = Bounds(duplicates=1, troubles=1, ticks=1)


def test_an_unknown_outcome_is_no_5xx_though_the_store_falls_silent() -> None:
    bounds = Bounds(duplicates=1, stalls=1, ticks=1)
    path = (
        "delivery 1 begins",
        "delivery 1: create",
        "delivery 1: quote",
        "delivery 1: writes SENDING",
        "delivery 1: taken, reply lost, shown late",
        "delivery 1: looks at the order book",
        "duplicate 1 begins",
        "duplicate 1: create finds another",
        "4.5 s pass while the instances stand still",
        "duplicate 1: read",
        "duplicate 1: writes UNKNOWN",
        "duplicate 1: tells outcome_unknown",
        "delivery 1: writes UNKNOWN finds another",
        "4.5 s pass",
        "delivery 1: read errs",
        "duplicate 1: writes UNKNOWN errs, applied",
    )
    assert not follow(Game(Machine(), bounds), path)


@pytest.mark.parametrize(
    "order",
    [
        ("duplicate 1: accepted, shown",),
        (
            "duplicate 1: taken, reply lost, shown",
            "duplicate 1: looks at the order book",
        ),
    ],
    ids=["accepted", "found in the book"],
)
def test_an_order_after_a_told_refusal_is_a_correction(order: tuple[str, ...]) -> None:
    late = ("4.5 s pass", "duplicate 1: writes DONE errs, applied")
    path = (*REFUSED, *order, *late)
    assert not follow(Game(Machine(), AFTER_REFUSAL), path)


def test_an_alert_nobody_executed_is_told_though_an_equal_one_takes_its_place() -> None:
    bounds = Bounds(keyed=False, resends=0, later=1, ticks=3, crashes=1)
    path = (
        "delivery 1 begins",
        "delivery 1: create",
        "delivery 1: quote",
        "delivery 1 is killed",
        "31 s pass",
        "31 s pass",
        "later alert 1 begins",
        "later alert 1: create finds another",
        "later alert 1: read",
        "later alert 1: keeps the old claim, writes a new one",
        "later alert 1: quote",
        "later alert 1: writes SENDING",
        "later alert 1: accepted, shown",
        "4.5 s pass",
        "later alert 1: writes DONE errs, applied",
    )
    assert not follow(Game(Machine(), bounds), path)
