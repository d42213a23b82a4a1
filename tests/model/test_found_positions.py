"""Paths on which a promise on the position was once broken; the code was changed."""

from __future__ import annotations

from tests.model.explorer import follow
from tests.model.position.cast import Machine
from tests.model.position.game import Game
from tests.model.position.world import Entry, Scene

READS = ("reads the book", "reads positions")
RUN = ("lists the watched", "reads what was told", "reads the ledger", *READS)
CUT = (*RUN, "waits", *READS, "cuts stop to 0: no effect", "writes what it told")


def _by(who: str, *steps: str) -> tuple[str, ...]:
    return f"{who} begins", *(f"{who}: {step}" for step in steps)


def test_two_stops_of_one_entry_are_cut_to_what_a_cancelled_cover_left() -> None:
    scene = Scene("A", short=1, stop=1, entry=Entry.WORKING)
    begun = _by("A1", "claims", "takes the lane", "reads the ledger")
    sent = (*READS, "marks the lane, writes SENDING", "2 accepted", "writes DONE")
    path = (
        *begun,
        "the entry fills 1",
        *(f"A1: {step}" for step in (*sent, "waits")),
        "a cover of 2 fills 1",
        "a cover of 2 is cancelled",
        *(f"A1: {step}" for step in (*READS, "cuts stop to 0: confirmed")),
        "A1: gives the lane back",
        "positions catch up",
    )
    assert not follow(Game(Machine(), scene), path)


def test_an_exit_that_outlives_an_accepted_cut_is_told_by_the_next_run() -> None:
    scene = Scene(short=1, stop=1, target=1, runs=2, fails=2)
    path = (
        "the target trades",
        "positions catch up",
        *_by("run 1", *CUT),
        *_by("run 2", *CUT, "writes what it told"),
    )
    assert not follow(Game(Machine(), scene), path)
