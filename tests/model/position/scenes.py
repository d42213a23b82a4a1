"""The scenes that are explored whole, and those that take minutes each."""

from __future__ import annotations

from tests.model.position.world import Entry, Hand, Scene

CLOSING = {
    "a close of any fate, a crash": Scene(
        "A", open=1, stop=1, unsettled=True, crashes=1, ticks=1, looks=2
    ),
    "a close of two lots with two stops": Scene("A", open=2, stop=2, looks=2),
    "two closes at once": Scene("AB", open=1, switches=2),
    "a close, then another": Scene("AB", open=1, ticks=1, switches=0),
    "a close that dies, its resend, another close": Scene(
        "AAB", open=1, crashes=1, switches=1, plain=True
    ),
    "a close with a doubtful store": Scene("A", open=1, doubts=1, ticks=1),
    "beside a stop of the owner": Scene("A", open=1, hand=Hand.STOP),
    "beside a far limit, a square-off": Scene(
        "A", open=1, hand=Hand.LIMIT, square_offs=1
    ),
    "beside a market order of the owner": Scene("A", open=2, hand=Hand.MARKET),
    "an entry in flight, a resend": Scene("AA", entry=Entry.FLYING),
    "an entry that is not in the book yet": Scene("A", entry=Entry.HIDDEN, ticks=1),
    "an entry that trades before it is in the book": Scene(
        "A", open=1, entry=Entry.SECOND
    ),
    "an entry that is half filled, a resend": Scene(
        "AA", open=1, stop=1, entry=Entry.WORKING
    ),
    "an entry that cannot be cancelled": Scene(
        "A", open=1, stop=1, entry=Entry.WORKING, fails=1, positions_first=True
    ),
    "a close that rests and cannot be cancelled": Scene(
        "AB", open=1, ticks=1, fails=1, rests=True, switches=0, plain=True
    ),
}

LONGS = {
    "a long of any fate, a crash": Scene(
        "A", open=1, stop=1, long=True, unsettled=True, crashes=1, ticks=1
    ),
    "exits that cannot be cancelled, a resend": Scene(
        "AA", open=1, stop=1, target=1, targets=True, long=True, fails=1
    ),
    "two closes at once": Scene("AB", open=1, stop=1, long=True, switches=1),
    "a close that rests and cannot be cancelled": Scene(
        "AB",
        open=1,
        stop=1,
        long=True,
        ticks=1,
        fails=1,
        rests=True,
        switches=0,
        plain=True,
    ),
    "beside a stop of the owner": Scene("A", open=1, stop=1, long=True, hand=Hand.STOP),
    "beside a far limit, a square-off": Scene(
        "A", open=1, stop=1, long=True, hand=Hand.LIMIT, square_offs=1
    ),
    "beside a market order of the owner": Scene(
        "A", open=2, stop=2, long=True, hand=Hand.MARKET
    ),
    "an entry in flight, a resend": Scene("AA", long=True, entry=Entry.FLYING),
    "an entry that is not in the book yet": Scene(
        "A", long=True, entry=Entry.HIDDEN, ticks=1
    ),
    "an entry that trades before it is in the book": Scene(
        "A", open=1, stop=1, long=True, entry=Entry.SECOND
    ),
    "an entry that is half filled, a resend": Scene(
        "AA", open=1, stop=1, long=True, entry=Entry.WORKING
    ),
    "a SELL of any fate, a crash": Scene(
        "A", open=1, stop=1, long=True, verb="SELL", unsettled=True, crashes=1, ticks=1
    ),
    "a SELL beside a square-off": Scene(
        "A", open=1, stop=1, long=True, verb="SELL", square_offs=1
    ),
    "a SELL beside an entry that is half filled, a resend": Scene(
        "AA", open=1, stop=1, long=True, verb="SELL", entry=Entry.WORKING
    ),
}

CARRIED = {
    "a short of any fate beside a stop": Scene(
        "A", carried=1, hand=Hand.STOP, unsettled=True, crashes=1
    ),
    "a short, an entry that trades before it is in the book": Scene(
        "A", carried=1, entry=Entry.SECOND
    ),
    "a long, an entry that trades before it is in the book": Scene(
        "A", carried=1, long=True, entry=Entry.SECOND
    ),
    "a short that is converted": Scene("A", open=1, stop=1, converts=1),
    "two lots of a long that are converted": Scene(
        "A", open=2, stop=2, long=True, converts=1
    ),
    "a short that is converted between two closes": Scene(
        "AB", open=1, converts=1, switches=0
    ),
}

SLICED = {
    "slices of a short, each of any fate": Scene(
        "A", open=2, sliced=True, unsettled=True, crashes=1
    ),
    "slices of a short with two stops": Scene("A", open=2, stop=2, sliced=True),
    "slices of a long with two stops": Scene(
        "A", open=2, stop=2, long=True, sliced=True, unsettled=True
    ),
    "slices of a short, then another close": Scene(
        "AB", open=2, sliced=True, ticks=1, switches=0, plain=True
    ),
}

GUARDED = {
    "exits that trade and vanish, a square-off": Scene(
        open=1, stop=1, target=1, runs=2, lost=1, square_offs=1
    ),
    "two stops, one lost, a square-off": Scene(
        open=2, stop=2, runs=2, square_offs=1, lost=1
    ),
    "cuts that fail": Scene(open=1, stop=1, target=1, runs=2, fails=2),
    "an entry that still fills": Scene(
        open=1, stop=1, entry=Entry.WORKING, runs=2, fails=1
    ),
    "an entry that trades before it is in the book": Scene(entry=Entry.SECOND, runs=1),
    "another entry beside a short told as bare": Scene(
        open=1, entry=Entry.SECOND, runs=1, before=2
    ),
    "a far limit of the owner": Scene(open=1, hand=Hand.LIMIT, runs=2),
    "a close of a bare short": Scene("A", open=2, runs=1),
    "a close of a short told as bare": Scene("A", open=1, runs=1, before=2),
    "exits of a long that trade and vanish, a square-off": Scene(
        open=1, stop=1, target=1, long=True, runs=2, lost=1, square_offs=1
    ),
    "a close of a bare long": Scene("A", open=1, long=True, runs=1),
    "a carried short beside a stop of the owner": Scene(
        carried=2, hand=Hand.STOP, runs=2
    ),
    "a close of a carried short": Scene("A", carried=1, runs=1),
    "a short that is converted": Scene(open=1, stop=1, converts=1, runs=2),
    "slices of a close": Scene(
        "A", open=2, sliced=True, runs=1, switches=1, plain=True
    ),
}

DEEPER = {
    "two closes at once, whoever moves": Scene("AB", open=1),
    "two closes at once, with a stop": Scene("AB", open=1, stop=1),
    "two closes of any fate": Scene("AB", open=1, unsettled=True, ticks=1, switches=1),
    "two closes, a crash": Scene("AB", open=1, crashes=1, ticks=1, switches=2),
    "two closes, clocks that disagree": Scene(
        "AB", open=1, stalls=1, switches=2, plain=True
    ),
    "deliveries that overlap, another close": Scene(
        "AAB", open=1, stalls=1, overlap=True, switches=3, plain=True
    ),
    "two closes with a doubtful store": Scene("AB", open=1, doubts=1, switches=1),
    "a close of a protected short, a run": Scene("A", open=1, stop=1, runs=1),
    "a close of three lots, a run": Scene("A", open=3, runs=1),
    "a close beside a hand order, two runs": Scene(
        "A", open=1, hand=Hand.LIMIT, runs=2
    ),
    "a close of two lots, cuts that fail": Scene("A", open=2, stop=2, runs=1, fails=1),
    "two closes of a long of two lots": Scene(
        "AB", open=2, stop=2, long=True, switches=1
    ),
    "a close of a long, a run": Scene("A", open=1, stop=1, long=True, runs=1, fails=1),
    "a close of a long with half its exits, a run": Scene(
        "A", open=2, stop=1, target=1, long=True, runs=1
    ),
    "a close of a short that is converted, a run": Scene(
        "A", open=1, stop=1, converts=1, runs=1
    ),
    "two lots that are converted between two closes": Scene(
        "AB", open=2, converts=1, ticks=1, switches=0
    ),
    "slices of a long that show one by one, then another close": Scene(
        "AB", open=2, long=True, sliced=True, ticks=1, switches=0
    ),
    "slices beside a far limit of the owner": Scene(
        "A", open=2, stop=2, sliced=True, hand=Hand.LIMIT
    ),
}
