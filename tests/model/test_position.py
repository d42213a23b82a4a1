"""The shipped code keeps a position safe, whatever trades, fails or dies beside it.

    1. A close of ours never carries the position across zero.
    2. A bare position, a stray exit, a position of the wrong sign, a close larger than
       the position and the exit of a converted one are cured or told by the second run
       of the guard; no cut of ours bares what is open, but before a long is sold.
    3. No exit is refused for good while its position is open or can still open.
    4. A lane is never stuck: at rest, one more close closes whatever is open.
    5. A long is sold only once its exits are gone.

`MODEL_DEEP=1` adds the scenes that take minutes each.
"""

from __future__ import annotations

import os

import pytest

from tests.model.explorer import explore
from tests.model.position.cast import Machine
from tests.model.position.game import Game
from tests.model.position.scenes import (
    CARRIED,
    CLOSING,
    DEEPER,
    GUARDED,
    LONGS,
    SLICED,
)
from tests.model.position.world import Scene

DEEP = os.environ.get("MODEL_DEEP") == "1"
DEEPEST = int(os.environ.get("MODEL_STATES", "2000000"))
"""States at which a deep scene is left unfinished."""


def _hold(scene: Scene) -> None:
    found = explore(Game(Machine(), scene), DEEPEST)
    print(found)
    assert not found.promise, str(found)
    assert found.states > 100, "the world became trivial"


@pytest.mark.timeout(7200 if DEEP else 900)
@pytest.mark.parametrize("name", CLOSING | DEEPER if DEEP else CLOSING)
def test_no_interleaving_of_covers_breaks_a_promise(name: str) -> None:
    _hold((CLOSING | DEEPER)[name])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LONGS)
def test_no_interleaving_of_sales_of_a_long_breaks_a_promise(name: str) -> None:
    _hold(LONGS[name])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", CARRIED)
def test_what_was_carried_or_converted_is_closed_like_any_other(name: str) -> None:
    _hold(CARRIED[name])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SLICED)
def test_a_close_in_slices_is_one_close(name: str) -> None:
    _hold(SLICED[name])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", GUARDED)
def test_what_goes_wrong_is_cured_or_told_by_the_second_run(name: str) -> None:
    _hold(GUARDED[name])
