"""The scenes that are explored whole, and those that take minutes each."""

from __future__ import annotations

from tests.model.position.world import Entry, Hand, Scene

CLOSING = {
    "a cover of any fate, a crash": Scene(
        "A", short=1, stop=1, unsettled=True, crashes=1, ticks=1, looks=2
    ),
    "a cover of two lots with two stops": Scene("A", short=2, stop=2, looks=2),
    "two covers at once": Scene("AB", short=1, switches=2),
    "a cover, then another": Scene("AB", short=1, ticks=1, switches=0),
    "a cover that dies, its resend, another cover": Scene(
        "AAB", short=1, crashes=1, switches=1, plain=True
    ),
    "a cover with a doubtful store": Scene("A", short=1, doubts=1, ticks=1),
    "beside a stop of the owner": Scene("A", short=1, hand=Hand.STOP),
    "beside a far limit, a square-off": Scene(
        "A", short=1, hand=Hand.LIMIT, square_offs=1
    ),
    "beside a market order of the owner": Scene("A", short=2, hand=Hand.MARKET),
    "an entry in flight, a resend": Scene("AA", entry=Entry.FLYING),
    "an entry that is not in the book yet": Scene("A", entry=Entry.HIDDEN, ticks=1),
    "an entry that trades before it is in the book": Scene(
        "A", short=1, entry=Entry.SECOND
    ),
    "an entry that is half filled, a resend": Scene(
        "AA", short=1, stop=1, entry=Entry.WORKING
    ),
    "an entry that cannot be cancelled": Scene(
        "A", short=1, stop=1, entry=Entry.WORKING, fails=1, positions_first=True
    ),
}

GUARDED = {
    "exits that trade and vanish, a square-off": Scene(
        short=1, stop=1, target=1, runs=2, lost=1, square_offs=1
    ),
    "two stops, one lost, a square-off": Scene(
        short=2, stop=2, runs=2, square_offs=1, lost=1
    ),
    "cuts that fail": Scene(short=1, stop=1, target=1, runs=2, fails=2),
    "an entry that still fills": Scene(
        short=1, stop=1, entry=Entry.WORKING, runs=2, fails=1
    ),
    "an entry that trades before it is in the book": Scene(entry=Entry.SECOND, runs=1),
    "another entry beside a short told as bare": Scene(
        short=1, entry=Entry.SECOND, runs=1, before=2
    ),
    "a far limit of the owner": Scene(short=1, hand=Hand.LIMIT, runs=2),
    "a cover of a bare short": Scene("A", short=2, runs=1),
    "a cover of a short told as bare": Scene("A", short=1, runs=1, before=2),
}

DEEPER = {
    "two covers at once, whoever moves": Scene("AB", short=1),
    "two covers at once, with a stop": Scene("AB", short=1, stop=1),
    "two covers of any fate": Scene("AB", short=1, unsettled=True, ticks=1, switches=1),
    "two covers, a crash": Scene("AB", short=1, crashes=1, ticks=1, switches=2),
    "two covers, clocks that disagree": Scene(
        "AB", short=1, stalls=1, switches=2, plain=True
    ),
    "deliveries that overlap, another cover": Scene(
        "AAB", short=1, stalls=1, overlap=True, switches=3, plain=True
    ),
    "two covers with a doubtful store": Scene("AB", short=1, doubts=1, switches=1),
    "a cover of a protected short, a run": Scene("A", short=1, stop=1, runs=1),
    "a cover of three lots, a run": Scene("A", short=3, runs=1),
    "a cover beside a hand order, two runs": Scene(
        "A", short=1, hand=Hand.LIMIT, runs=2
    ),
    "a cover of two lots, cuts that fail": Scene("A", short=2, stop=2, runs=1, fails=1),
}
