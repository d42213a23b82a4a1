"""Take any one guard out of the shipped machine and the exploration finds the harm."""

from __future__ import annotations

import pytest

from tests.model import weakened
from tests.model.cast import Machine
from tests.model.explorer import explore
from tests.model.game import Game
from tests.model.world import Bounds

CRASH = Bounds(crashes=1, ticks=1)
TWINS = Bounds(duplicates=1)
DOUBT = Bounds(duplicates=1, doubts=1)
LATER = Bounds(keyed=False, resends=0, later=1, ticks=2, crashes=1)

GUARDS: tuple[tuple[type[Machine], Bounds], ...] = (
    (weakened.OverwritesAnyVersion, TWINS),
    (weakened.PlacesUnconfirmed, DOUBT),
    (weakened.AttemptPerInstance, DOUBT),
    (weakened.DeletesReleased, CRASH),
    (weakened.UnknownExpires, CRASH),
    (weakened.LateAcceptanceLoses, CRASH),
    (weakened.NotSentIsForgotten, CRASH),
    (weakened.MarksBeforeTelling, CRASH),
    (weakened.NoticesAreNotKept, CRASH),
    (weakened.TagFromTheAlert, LATER),
    (weakened.LeavesClaimed, CRASH),
    (weakened.LeavesReleased, CRASH),
    (weakened.LeavesSending, CRASH),
    (weakened.LeavesNotSent, CRASH),
)


@pytest.mark.parametrize(
    ("machine", "bounds"), GUARDS, ids=[kind.__name__ for kind, _ in GUARDS]
)
def test_without_this_guard_a_promise_breaks(
    machine: type[Machine], bounds: Bounds
) -> None:
    found = explore(Game(machine(), bounds))
    print(f"{machine.__doc__}\n    {found}")
    assert found.promise, f"nothing caught: {machine.__doc__}"
    assert found.path


def test_every_weakened_machine_is_tried() -> None:
    kinds = {
        kind
        for name, kind in vars(weakened).items()
        if isinstance(kind, type)
        and issubclass(kind, Machine)
        and kind is not Machine
        and not name.startswith("_")
    }
    assert kinds == {kind for kind, _ in GUARDS}


@pytest.mark.parametrize("bounds", [CRASH, TWINS, DOUBT, LATER], ids=str)
def test_with_every_guard_the_same_bounds_hold(bounds: Bounds) -> None:
    found = explore(Game(Machine(), bounds))
    assert not found.promise, str(found)
