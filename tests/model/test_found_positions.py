"""Paths on which a promise on the position was once broken; the code was changed."""

from __future__ import annotations

from tests.model.explorer import follow
from tests.model.position.cast import Machine
from tests.model.position.game import Game
from tests.model.position.world import Entry, Hand, Scene

READS = ("reads the book", "reads positions")
RUN = ("lists the watched", "reads what was told", "reads the ledger", *READS)
CUT = (*RUN, "waits", *READS, "cuts stop to 0: no effect", "writes what it told")

BEGUN = ("claims", "takes the lane", "reads the ledger", *READS)
SENDS = "marks the lane, writes SENDING"
BUSY = (
    "claims",
    "takes the lane finds another",
    "reads a claim",
    "reads the lane",
    "reads a claim",
    "reads the ledger",
    *READS,
    "waits",
    "reads the lane",
    "reads a claim",
    "writes RELEASED",
)
"""A delivery that finds a close still on its way and is resent."""


def _by(who: str, *steps: str) -> tuple[str, ...]:
    return f"{who} begins", *(f"{who}: {step}" for step in steps)


def test_two_stops_of_one_entry_are_cut_to_what_a_cancelled_close_left() -> None:
    scene = Scene("A", open=1, stop=1, entry=Entry.WORKING)
    begun = _by("A1", "claims", "takes the lane", "reads the ledger")
    sent = (*READS, "marks the lane, writes SENDING", "2 accepted", "writes DONE")
    path = (
        *begun,
        "the entry fills 1",
        *(f"A1: {step}" for step in (*sent, "waits")),
        "a close of 2 fills 1",
        "a close of 2 is cancelled",
        *(f"A1: {step}" for step in (*READS, "cuts stop to 0: confirmed")),
        "A1: gives the lane back",
        "positions catch up",
    )
    assert not follow(Game(Machine(), scene), path)


def test_an_exit_that_outlives_an_accepted_cut_is_told_by_the_next_run() -> None:
    scene = Scene(open=1, stop=1, target=1, runs=2, fails=2)
    path = (
        "the target trades",
        "positions catch up",
        *_by("run 1", *CUT),
        *_by("run 2", *CUT, "writes what it told"),
    )
    assert not follow(Game(Machine(), scene), path)


def test_a_close_is_on_its_way_until_all_its_slices_are_in_the_book() -> None:
    path = (
        *_by("A1", *BEGUN, SENDS, "2 of 2 accepted, not yet in the book"),
        *("A1: writes DONE", "A1: waits"),
        "a close of 1 fills 1",
        "a close of 1 fills 1",
        "the book shows the close",
        *(f"A1: {step}" for step in READS),
        *_by("B1", *BUSY),
    )
    scene = Scene("AB", open=2, sliced=True, switches=0)
    assert not follow(Game(Machine(), scene), path)


def test_an_unknown_close_is_not_settled_by_the_first_of_its_slices() -> None:
    path = (
        *_by("A1", *BEGUN, SENDS, "2 of 2 accepted, not yet in the book, reply lost"),
        "a close of 1 is cancelled",
        "the book shows the close",
        "A1: reads the book",
        "A1: writes UNKNOWN",
    )
    scene = Scene("A", open=2, sliced=True, unsettled=True)
    assert not follow(Game(Machine(), scene), path)


def test_an_order_of_the_owners_is_not_taken_for_a_close_just_accepted() -> None:
    path = (
        *_by("A1", *BEGUN, SENDS, "1 accepted, not yet in the book"),
        *("A1: writes DONE", "A1: waits"),
        "the hand order trades",
        *(f"A1: {step}" for step in READS),
        *_by("B1", *BUSY),
    )
    scene = Scene("AB", open=2, hand=Hand.MARKET, switches=0)
    assert not follow(Game(Machine(), scene), path)


def test_a_cover_that_lags_behind_a_conversion_is_taken_off_its_own_product() -> None:
    path = (
        *_by("A1", *BEGUN, SENDS, "2 accepted", "writes DONE", "waits"),
        "a close of 2 fills 1",
        "the owner converts to MARGIN",
        "a close of 2 fills 1",
        *(f"A1: {step}" for step in (*READS, "gives the lane back")),
        *_by("B1", *BEGUN, SENDS, "1 accepted"),
    )
    scene = Scene("AB", open=2, converts=1, switches=0)
    assert not follow(Game(Machine(), scene), path)


def test_an_entry_that_never_came_does_not_bar_closes_for_a_like_order_that_ended() -> (
    None
):
    path = (
        *_by("A1", "claims", "reads the ledger"),
        "square-off",
        "positions catch up",
        *("A1: reads positions", "A1: reads the book", "A1: reads positions"),
        *("A1: writes SENDING", "A1 is killed"),
    )
    scene = Scene("A", open=1, stop=1, verb="SELL", long=True, square_offs=1, crashes=1)
    assert not follow(Game(Machine(), scene), path)
