"""The shipped claim machine keeps its promises in every interleaving within bounds.

Bounded by what a minute of CPU can visit. `MODEL_DEEP=1` adds the bounds that take
minutes each, and `MODEL_WALKS` sets how many random walks go far beyond all of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest

from tests.model.cast import Machine
from tests.model.explorer import explore, wander
from tests.model.game import Game
from tests.model.world import Bounds, Fate

WALKS = int(os.environ.get("MODEL_WALKS", "4000"))
DEEP = os.environ.get("MODEL_DEEP") == "1"

BOUNDS = {
    "a duplicate, a crash": Bounds(duplicates=1, crashes=1, ticks=1),
    "a duplicate, a doubtful store": Bounds(duplicates=1, doubts=1, ticks=1),
    "a duplicate, a crash, a doubtful store": Bounds(duplicates=1, crashes=1, doubts=1),
    "a duplicate, reads and channels that fail": Bounds(
        duplicates=1, troubles=1, ticks=1
    ),
    "a run, a crash, a doubtful store": Bounds(runs=1, crashes=1, doubts=1, ticks=1),
    "a run, every fate of an order": Bounds(
        runs=1, crashes=1, ticks=1, fates=tuple(Fate)
    ),
    "two runs at once, a crash": Bounds(resends=0, runs=2, crashes=1, ticks=1),
}

DEEPER = {
    "everything once": Bounds(duplicates=1, runs=1, crashes=1, doubts=1, ticks=1),
    "a duplicate, a run, clocks that disagree": Bounds(
        duplicates=1, runs=1, stalls=1, ticks=1
    ),
    "two runs, a crash, a doubtful store": Bounds(
        resends=0, runs=2, crashes=1, doubts=1, ticks=2
    ),
}

STALLED = {
    "a duplicate": Bounds(duplicates=1, stalls=1, doubts=0),
    "a duplicate, time": Bounds(duplicates=1, stalls=1, ticks=1, resends=0),
    "a run, a crash": Bounds(runs=1, stalls=1, ticks=1, crashes=1, resends=0),
}

LATER = {
    "a crash, a run": Bounds(later=1, crashes=1, ticks=2, runs=1),
    "a doubtful store": Bounds(later=1, doubts=1, ticks=2),
    "reads and channels that fail": Bounds(later=1, troubles=2, ticks=2),
}

WILD = Bounds(
    resends=3,
    duplicates=2,
    runs=3,
    crashes=3,
    doubts=4,
    ticks=4,
    stalls=2,
    troubles=3,
    fates=tuple(Fate),
)


def _hold(bounds: Bounds) -> None:
    found = explore(Game(Machine(), bounds))
    print(found)
    assert not found.promise, str(found)
    assert found.states > 1000, "the world became trivial"


@pytest.mark.timeout(3600 if DEEP else 900)
@pytest.mark.parametrize("keyed", [True, False], ids=["by key", "by content"])
@pytest.mark.parametrize("name", BOUNDS | DEEPER if DEEP else BOUNDS)
def test_no_interleaving_breaks_a_promise(name: str, keyed: bool) -> None:
    _hold(replace((BOUNDS | DEEPER)[name], keyed=keyed))


@pytest.mark.parametrize("name", STALLED)
def test_clocks_that_disagree_break_no_promise(name: str) -> None:
    _hold(STALLED[name])


@pytest.mark.parametrize("name", LATER)
def test_after_the_window_an_equal_text_is_another_alert(name: str) -> None:
    _hold(replace(LATER[name], keyed=False, resends=0))


@pytest.mark.timeout(36000 if DEEP else 900)
@pytest.mark.parametrize(
    "bounds",
    [
        WILD,
        replace(WILD, keyed=False),
        replace(WILD, keyed=False, later=1, stalls=0, ticks=6),
    ],
    ids=["by key", "by content", "an equal text later"],
)
def test_no_random_walk_breaks_a_promise(bounds: Bounds) -> None:
    random, left = Random(WALKS), WALKS // 3
    while left > 0:
        # A game remembers every step of code it ran: a new one now and then.
        found = wander(Game(Machine(), bounds), random, min(left, 2000))
        assert not found.promise, str(found)
        left -= 2000
