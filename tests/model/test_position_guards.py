"""Take one rule of the position out of the code and the exploration finds the harm."""

from __future__ import annotations

import os

import pytest

from tests.model.explorer import explore
from tests.model.position import weakened
from tests.model.position.cast import Machine
from tests.model.position.game import Game
from tests.model.position.scenes import CLOSING, GUARDED
from tests.model.position.world import Entry, Scene

DEEP = os.environ.get("MODEL_DEEP") == "1"

HALF_FILLED = CLOSING["an entry that is half filled, a resend"]
HAND_STOP = CLOSING["beside a stop of the owner"]
LEGS = GUARDED["exits that trade and vanish, a square-off"]
UNSEEN = GUARDED["another entry beside a short told as bare"]
TWO = Scene("AB", short=1, switches=1)
THEN = Scene("AB", short=1, unsettled=True, ticks=1, switches=0)
STALLED = Scene("AB", short=1, stalls=1, switches=1, plain=True)
RESENT = Scene("AAB", short=1, crashes=1, switches=2, plain=True)

RULES: tuple[tuple[type[Machine], Scene], ...] = (
    (weakened.LaneBackAtAcceptance, TWO),
    (weakened.LaneBackAfterUnknown, THEN),
    (weakened.LaneByTime, CLOSING["a cover, then another"]),
    (weakened.LeavesTheHoldersClaim, STALLED),
    (weakened.TrustsTheLanesName, RESENT),
    (weakened.HandOrdersCover, HAND_STOP),
    (weakened.CutsAtAcceptance, CLOSING["a cover of any fate, a crash"]),
    (weakened.BelievesPositions, HAND_STOP),
    (weakened.BelievesOwnFills, HAND_STOP),
    (weakened.EntryIsLeft, HALF_FILLED),
    (weakened.CancelsWithoutReading, HALF_FILLED),
    (weakened.EndsAtTheFirstLeg, LEGS),
    (weakened.IgnoresTheOtherSign, LEGS),
    (weakened.CutsOnOneRead, Scene(entry=Entry.SECOND, runs=1)),
    (weakened.CutsOnOneRead, Scene("A", short=3, runs=1)),
    (weakened.HandOrdersProtect, GUARDED["a far limit of the owner"]),
    (weakened.AcceptedCutEnds, GUARDED["cuts that fail"]),
    (weakened.EndsOnHalfABook, UNSEEN),
)

HALVES: tuple[tuple[type[Machine], Scene], ...] = (
    (weakened.LaneAlone, TWO),
    (weakened.GivesBackAtAcceptance, TWO),
    (weakened.FreeAfterUnknown, THEN),
    (weakened.FreeByTime, CLOSING["a cover, then another"]),
    (weakened.Unlocked, STALLED),
    (weakened.MovesNoClaim, STALLED),
    (weakened.TrustsTheName, RESENT),
)
"""Faults of a lane that another rule makes harmless; above, both are gone."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("machine", "scene"), RULES, ids=[kind.__name__ for kind, _ in RULES]
)
def test_without_this_rule_a_promise_breaks(
    machine: type[Machine], scene: Scene
) -> None:
    found = explore(Game(machine(), scene))
    print(f"{machine.__doc__}\n    {found}")
    assert found.promise, f"nothing caught: {machine.__doc__}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("machine", "scene"),
    HALVES if DEEP else HALVES[1:2],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_one_of_two_locks_alone_holds(machine: type[Machine], scene: Scene) -> None:
    found = explore(Game(machine(), scene))
    print(f"{machine.__doc__}\n    {found}")
    assert not found.promise, str(found)


def test_every_weakened_machine_is_tried() -> None:
    kinds = {
        kind
        for name, kind in vars(weakened).items()
        if isinstance(kind, type)
        and issubclass(kind, Machine)
        and kind is not Machine
        and not name.startswith("_")
    }
    assert kinds == {kind for kind, _ in (*RULES, *HALVES)}
