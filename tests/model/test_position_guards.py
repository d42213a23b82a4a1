"""Take one rule of the position out of the code and the exploration finds the harm."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from tests.model.explorer import explore
from tests.model.position import weakened
from tests.model.position.cast import Machine
from tests.model.position.game import Game
from tests.model.position.scenes import CARRIED, CLOSING, GUARDED, LONGS
from tests.model.position.world import Entry, Scene

DEEP = os.environ.get("MODEL_DEEP") == "1"

HALF_FILLED = CLOSING["an entry that is half filled, a resend"]
HAND_STOP = CLOSING["beside a stop of the owner"]
LEGS = GUARDED["exits that trade and vanish, a square-off"]
UNSEEN = GUARDED["another entry beside a short told as bare"]

ALONE: tuple[tuple[type[Machine], Scene], ...] = (
    (weakened.ReadsOneClose, CLOSING["a close that rests and cannot be cancelled"]),
    (weakened.HandOrdersCover, HAND_STOP),
    (weakened.CutsAtAcceptance, CLOSING["a close of any fate, a crash"]),
    (weakened.BelievesPositions, HAND_STOP),
    (weakened.BelievesOwnFills, HAND_STOP),
    (weakened.EntryIsLeft, HALF_FILLED),
    (weakened.CancelsWithoutReading, HALF_FILLED),
    (weakened.ExitsAreLeft, LONGS["a long of any fate, a crash"]),
    (weakened.CancelsUnconfirmed, LONGS["exits that cannot be cancelled, a resend"]),
    (weakened.ConversionsLag, CARRIED["a short that is converted"]),
    (weakened.OnlyTodayCounts, CARRIED["a short of any fate beside a stop"]),
    (weakened.KnowsTheFirstSlice, Scene("AB", open=2, sliced=True, switches=0)),
    (weakened.EndsAtTheFirstLeg, LEGS),
    (weakened.IgnoresTheOtherSign, LEGS),
    (weakened.CutsOnOneRead, Scene(entry=Entry.SECOND, runs=1)),
    (weakened.CutsOnOneRead, Scene("A", open=3, runs=1)),
    (weakened.HandOrdersProtect, GUARDED["a far limit of the owner"]),
    (weakened.AcceptedCutEnds, GUARDED["cuts that fail"]),
    (weakened.EndsOnHalfABook, UNSEEN),
)


@dataclass(frozen=True, slots=True)
class Locks:
    """Two rules that each keep what the other one keeps."""

    one: type[Machine]
    other: type[Machine]
    neither: type[Machine]
    scene: Scene


# What the lane remembers of a close stands in that close's claim as well: both are
# written in one commit as SENDING, and the claim stays in the ledger until its contract
# is flat and quiet. So a lane that is given away too early lets nobody send beside a
# close on its way or at work, as long as every other close is read from its claim.
TWO = Scene("AB", open=1, switches=1)
THEN = Scene("AB", open=1, unsettled=True, ticks=1, switches=0, plain=True)
OLD = Scene("AB", open=1, ticks=1, switches=0)

# SENDING is one commit over two versions, the lane's and the claim's. Who takes a lane
# over moves both, its holder's claim and the lane; a holder that lost only one of them
# cannot send either.
STALLED = Scene("AB", open=1, stalls=1, switches=1, plain=True)
RESENT = Scene("AAB", open=1, crashes=1, switches=1, plain=True)

TWICE: tuple[Locks, ...] = (
    Locks(
        weakened.GivesBackAtAcceptance,
        weakened.ReadsOneClose,
        weakened.LaneBackAtAcceptance,
        TWO,
    ),
    Locks(
        weakened.FreeAfterUnknown,
        weakened.ReadsOneClose,
        weakened.LaneBackAfterUnknown,
        THEN,
    ),
    Locks(weakened.FreeByTime, weakened.ReadsOneClose, weakened.LaneByTime, OLD),
    Locks(
        weakened.MovesNoClaim,
        weakened.Unlocked,
        weakened.LeavesTheHoldersClaim,
        STALLED,
    ),
    Locks(
        weakened.TrustsTheName, weakened.Unlocked, weakened.TrustsTheLanesName, RESENT
    ),
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("machine", "scene"), ALONE, ids=[kind.__name__ for kind, _ in ALONE]
)
def test_without_this_rule_a_promise_breaks(
    machine: type[Machine], scene: Scene
) -> None:
    found = explore(Game(machine(), scene))
    print(f"{machine.__doc__}\n    {found}")
    assert found.promise, f"nothing caught: {machine.__doc__}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("locks", TWICE, ids=lambda locks: locks.neither.__name__)
def test_either_of_two_locks_holds_and_without_both_a_promise_breaks(
    locks: Locks,
) -> None:
    for machine in (locks.one, locks.other):
        found = explore(Game(machine(), locks.scene))
        print(f"{machine.__doc__}\n    {found}")
        assert not found.promise, str(found)
    found = explore(Game(locks.neither(), locks.scene))
    print(f"{locks.neither.__doc__}\n    {found}")
    assert found.promise, f"nothing caught: {locks.neither.__doc__}"


def test_every_weakened_machine_is_tried() -> None:
    kinds = {
        kind
        for name, kind in vars(weakened).items()
        if isinstance(kind, type)
        and issubclass(kind, Machine)
        and kind is not Machine
        and not name.startswith("_")
    }
    doubled = {
        kind for locks in TWICE for kind in (locks.one, locks.other, locks.neither)
    }
    assert kinds == {kind for kind, _ in ALONE} | doubled
