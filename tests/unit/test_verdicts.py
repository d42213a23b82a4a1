"""What one read of a contract says is wrong with it: a table per verdict."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from shared.guard.state import Verdict, Watch
from shared.guard.verdicts import Finding, checkable, judge, see
from shared.models import (
    BookedOrder,
    Flight,
    OrderStatus,
    OurOrder,
    Position,
    Product,
    Severity,
)
from tests.unit.books import (
    BUY,
    NOW,
    SELL,
    TICKER,
    book,
    our,
    position,
    row,
    stop,
    target,
)

D = Decimal
Part = OurOrder | BookedOrder | Position
OTHER_TAG = "f" * 20
ENTRY: tuple[Part, ...] = (our(), row("1", filled=65))
LONG: tuple[Part, ...] = (our(BUY), row("1", BUY, filled=65))
SHORT: tuple[Part, ...] = (*ENTRY, stop("2"), target("3"), position(-65))
CANCELLED, REJECTED = OrderStatus.CANCELLED, OrderStatus.REJECTED
FLAT = position(0, day_bought=65, day_sold=65)
ABSENT = our(flight=Flight.ABSENT, ids=())


def found(verdict: Verdict, *parts: Part) -> list[Finding]:
    findings = judge(book(*parts), Watch(TICKER), NOW)
    return [finding for finding in findings if finding.verdict is verdict]


def told(verdict: Verdict, *parts: Part) -> str:
    (finding,) = found(verdict, *parts)
    return finding.message


# --- safe -----------------------------------------------------------------------------

SAFE: list[tuple[str, tuple[Part, ...]]] = [
    ("nothing", ()),
    ("a short with its exits", SHORT),
    (
        "a long with its exits",
        (*LONG, stop("2", SELL), target("3", SELL), position(65)),
    ),
    ("flat", (*ENTRY, stop("2", status=CANCELLED), FLAT)),
    ("a young entry that rests", (our(), row("1"))),
    (
        "a short whose exits are sent on purpose without",
        (our(stop=None, target=None), row("1", filled=65), position(-65)),
    ),
    (
        "a short with a hand-placed stop",
        (
            our(target=None),
            row("1", filled=65),
            stop("9", parent_id=None),
            position(-65),
        ),
    ),
    (
        "a carried long with a stop",
        (
            our(BUY, ago=86400, target=None),
            stop("2", SELL, parent_id=None),
            position(65, "MARGIN", carried=65, day_bought=0),
        ),
    ),
    ("an order settled as absent", (ABSENT,)),
    (
        "a hand order in a flat contract",
        (*ENTRY, FLAT, row("9", BUY, order_type=1, limit_price=D(5), tag="hand")),
    ),
]


@pytest.mark.parametrize(
    "parts", [case[1] for case in SAFE], ids=[case[0] for case in SAFE]
)
def test_what_is_safe_has_no_findings(parts: tuple[Part, ...]) -> None:
    findings = judge(book(*parts), Watch(TICKER), NOW)
    assert [f for f in findings if f.verdict is not Verdict.ORDER_FILLED] == []


# --- exits_missing --------------------------------------------------------------------

MISSING: list[tuple[str, tuple[Part, ...], str, Severity]] = [
    (
        "both",
        (*ENTRY, position(-65)),
        "the short of 65 {t} has no working stop loss and no working target. Place a "
        "stop in the FYERS app now, or close the short: send BUY, or BUY 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "a long's",
        (*LONG, position(65)),
        "the long of 65 {t} has no working stop loss and no working target. Place a "
        "stop in the FYERS app now, or close the long: send EXIT, or SELL 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "the stop",
        (*ENTRY, target("3"), position(-65)),
        "the short of 65 {t} has no working stop loss. Place a stop in the FYERS app "
        "now, or close the short: send BUY, or BUY 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "half of the stop",
        (
            our(qty=130),
            row("1", qty=130, filled=130),
            stop("2"),
            target("3", qty=130),
            position(-130),
        ),
        "the short of 130 {t} has a stop loss for only 65 of them. Place a stop in the "
        "FYERS app now, or close the short: send BUY, or BUY 130 by hand.",
        Severity.CRITICAL,
    ),
    (
        "the target",
        (*ENTRY, stop("2"), position(-65)),
        "the short of 65 {t} has no working target. Its stop works. Place the target "
        "in the FYERS app if you want it.",
        Severity.WARNING,
    ),
    (
        "a stop that FYERS refused",
        (
            *ENTRY,
            stop("2", status=REJECTED, message="RED:16052"),
            target("3"),
            position(-65),
        ),
        "the short of 65 {t} has no working stop loss (FYERS: RED:16052). Place a stop "
        "in the FYERS app now, or close the short: send BUY, or BUY 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "those of yesterday",
        (
            our(ago=86400, product=Product.MARGIN),
            position(-65, "MARGIN", carried=-65, day_sold=0),
        ),
        "the short of 65 {t} has no working stop loss and no working target. Place a "
        "stop in the FYERS app now, or close the short: send BUY, or BUY 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "of the entry that had some",
        (
            *ENTRY,
            our(stop=None, target=None, tag=OTHER_TAG, ids=("5",)),
            row("5", filled=65),
            target("3"),
            position(-130),
        ),
        "the short of 130 {t} has no working stop loss. Place a stop in the FYERS app "
        "now, or close the short: send BUY, or BUY 130 by hand.",
        Severity.CRITICAL,
    ),
]


@pytest.mark.parametrize(
    ("parts", "words", "severity"),
    [case[1:] for case in MISSING],
    ids=[case[0] for case in MISSING],
)
def test_an_open_position_misses_its_exits(
    parts: tuple[Part, ...], words: str, severity: Severity
) -> None:
    (finding,) = found(Verdict.EXITS_MISSING, *parts)
    assert finding.message == words.format(t=TICKER)
    assert finding.severity is severity
    assert finding.after == timedelta(seconds=60)


def test_what_looks_like_a_stop_is_not_missed() -> None:
    hand = stop("9", parent_id=None)
    assert found(Verdict.EXITS_MISSING, *ENTRY, hand, target("3"), position(-65)) == []


# --- exits_beyond ---------------------------------------------------------------------

COVER = our(BUY, closes=True, tag=OTHER_TAG, ids=("5",))
BEYOND: list[tuple[str, tuple[Part, ...], str, int]] = [
    ("the exits of a closed short", (*ENTRY, stop("2"), target("3"), FLAT), "2, 3", 0),
    ("the exits of a closed long", (*LONG, stop("2", SELL), FLAT), "2", 0),
    (
        "exits larger than the rest",
        (
            our(qty=130),
            row("1", qty=130, filled=130),
            stop("2", qty=130),
            position(-65, day_bought=65, day_sold=130),
        ),
        "2",
        65,
    ),
    ("a cover left behind", (COVER, row("5", BUY), FLAT), "5", 0),
]


@pytest.mark.parametrize(
    ("parts", "ids", "size"),
    [case[1:] for case in BEYOND],
    ids=[case[0] for case in BEYOND],
)
def test_orders_of_ours_reach_beyond_the_position(
    parts: tuple[Part, ...], ids: str, size: int
) -> None:
    (finding,) = found(Verdict.EXITS_BEYOND, *parts)
    assert finding.about == ids
    assert f"({ids})" in finding.message
    assert f"the {size} that they could close" in finding.message
    assert finding.severity is Severity.CRITICAL
    assert [trim.row.order_id for trim in finding.trims] == ids.split(", ")


# --- exits_wrong ----------------------------------------------------------------------

WRONG: list[tuple[str, tuple[Part, ...], list[str]]] = [
    ("as sent", (*ENTRY, stop("2"), target("3")), []),
    ("two ticks off", (*ENTRY, stop("2", stop_price=D("115.10"))), []),
    (
        "three ticks off",
        (*ENTRY, stop("2", stop_price=D("115.15"))),
        ["the stop is at 115.15 instead of 115"],
    ),
    (
        "the stop on the wrong side",
        (*ENTRY, stop("2", stop_price=D(85)), target("3", limit_price=D(125))),
        ["the stop is at 85 instead of 115", "the target is at 125 instead of 75"],
    ),
    ("of a long, as sent", (*LONG, stop("2", SELL), target("3", SELL)), []),
    (
        "of a long, on the wrong side",
        (*LONG, stop("2", SELL, stop_price=D(115))),
        ["the stop is at 115 instead of 85"],
    ),
    (
        "of another quantity",
        (*ENTRY, stop("2", qty=130)),
        ["the stop is for 130 instead of 65"],
    ),
    (
        "resized beside a cover of ours",
        (
            our(qty=130),
            row("1", qty=130, filled=130),
            stop("2"),
            COVER,
            row("5", BUY, filled=65),
        ),
        [],
    ),
    ("of another type", (*ENTRY, stop("2", order_type=2)), ["2 is of type 2"]),
    (
        "not sent",
        (our(target=None), row("1", filled=65), target("3")),
        ["a target that was not sent (3)"],
    ),
    ("gone", (*ENTRY, stop("2", status=CANCELLED, stop_price=D(9))), []),
    (
        "of an entry that still fills",
        (our(qty=130), row("1", qty=130, filled=65), stop("2", stop_price=D(9))),
        [],
    ),
]


@pytest.mark.parametrize(
    ("parts", "faults"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
)
def test_exits_are_compared_with_what_was_sent(
    parts: tuple[Part, ...], faults: list[str]
) -> None:
    findings = found(Verdict.EXITS_WRONG, *parts)
    assert [
        f"not what was sent: {'; '.join(faults)}. " in f.message for f in findings
    ] == [True] * bool(faults)
    assert all("Correct them" in finding.message for finding in findings)


def test_exits_are_compared_once() -> None:
    parts = (*ENTRY, stop("2", stop_price=D(9)))
    (one,) = checkable(book(*parts), Watch(TICKER))
    seen = Watch(TICKER, checked=(one.order.tag,))
    verdicts = [finding.verdict for finding in judge(book(*parts), seen, NOW)]
    assert Verdict.EXITS_WRONG not in verdicts


# --- unexpected_position --------------------------------------------------------------

CLOSE_OF_LONG = our(SELL, closes=True, tag=OTHER_TAG, ids=("5",))
UNEXPECTED: list[tuple[str, tuple[Part, ...], str]] = [
    (
        "a long after a stop and a cover both traded",
        (*ENTRY, stop("2", filled=65), COVER, row("5", BUY, filled=65)),
        "you are long 65 {t}, and no alert asked for that; two orders probably closed "
        "one position. NO stop works. Close it now: send EXIT, or SELL 65 in the FYERS "
        "app.",
    ),
    (
        "a bare short after two closes of a long",
        (*LONG, CLOSE_OF_LONG, row("5", filled=65), row("9", filled=65, tag="hand")),
        "you are short 65 {t}, and no alert asked for that; two orders probably closed "
        "one position. NO stop works. Close it now: send EXIT, or BUY 65 in the FYERS "
        "app.",
    ),
]


@pytest.mark.parametrize(
    ("parts", "words"),
    [case[1:] for case in UNEXPECTED],
    ids=[case[0] for case in UNEXPECTED],
)
def test_a_sign_nobody_asked_for_is_told_with_what_to_do(
    parts: tuple[Part, ...], words: str
) -> None:
    (finding,) = found(Verdict.UNEXPECTED_POSITION, *parts)
    assert finding.message == words.format(t=TICKER)
    assert (finding.quantity, finding.severity) == (65, Severity.CRITICAL)
    assert finding.after == timedelta(0)


EXPECTED: list[tuple[str, tuple[Part, ...]]] = [
    ("of an entry of ours", SHORT),
    ("of a long of ours", (*LONG, position(65))),
    (
        "of an entry of unknown outcome",
        (our(flight=Flight.OPEN, ids=()), position(-65)),
    ),
    ("carried", (COVER, position(65, "MARGIN", carried=65, day_bought=0))),
    (
        "the owner's: a short opened by hand and covered in part",
        (
            *(COVER, row("5", BUY, filled=65), row("9", qty=130, filled=130)),
            position(-65, day_bought=65, day_sold=130),
        ),
    ),
    (
        "the owner's: an order beside an entry that never came",
        (ABSENT, row("9", qty=130, filled=130), position(-130)),
    ),
]


@pytest.mark.parametrize(
    "parts", [case[1] for case in EXPECTED], ids=[case[0] for case in EXPECTED]
)
def test_a_sign_that_somebody_asked_for_is_expected(parts: tuple[Part, ...]) -> None:
    assert found(Verdict.UNEXPECTED_POSITION, *parts) == []


HAND_LONG = position(65, day_bought=130, day_sold=65)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(
            (
                *(ABSENT, *LONG, CLOSE_OF_LONG, row("5", filled=65)),
                row("9", filled=65, tag="hand"),
            ),
            id="an entry believed absent asked for nothing",
        ),
        pytest.param(
            (
                *(row("8", filled=65), row("9", BUY, filled=65)),
                *(COVER, row("5", BUY, filled=65), HAND_LONG),
            ),
            id="a cover went beyond a short opened by hand",
        ),
        pytest.param(
            (*ENTRY, row("9", BUY, qty=130, filled=130), HAND_LONG),
            id="a long beside a short entry of ours, whoever bought",
        ),
    ],
)
def test_a_sign_that_no_order_of_ours_explains_is_seen(parts: tuple[Part, ...]) -> None:
    assert found(Verdict.UNEXPECTED_POSITION, *parts)


# --- exits of an entry that still fills -----------------------------------------------

PART = (our(), row("1", qty=195, filled=65), stop("2"))


def test_exits_of_a_part_that_was_squared_off_are_told_while_the_rest_works() -> None:
    """They may belong to a fill that is not shown yet: told by the second run."""
    gone = row("9", BUY, filled=65)
    (left,) = found(Verdict.EXITS_LEFT_BEHIND, *PART, gone, FLAT)
    assert (left.quantity, left.side, left.runs, left.trims) == (65, BUY, 2, ())


def test_exits_of_a_part_that_is_open_are_no_fault_while_the_rest_works() -> None:
    assert found(Verdict.EXITS_LEFT_BEHIND, *PART, position(-65)) == []


# --- stop_not_filled ------------------------------------------------------------------

BEYOND_STOP: list[tuple[str, tuple[Part, ...], bool]] = [
    ("a short's at it", (*ENTRY, stop("2"), position(-65, ltp=D(115))), True),
    ("a short's beyond it", (*ENTRY, stop("2"), position(-65, ltp=D(140))), True),
    ("a short's below it", (*ENTRY, stop("2"), position(-65, ltp=D("114.95"))), False),
    ("a long's at it", (*LONG, stop("2", SELL), position(65, ltp=D(85))), True),
    ("a long's above it", (*LONG, stop("2", SELL), position(65, ltp=D(86))), False),
    ("without a price", (*ENTRY, stop("2"), position(-65)), False),
    (
        "after it traded",
        (*ENTRY, stop("2", filled=65), position(-65, ltp=D(140))),
        False,
    ),
    (
        "of a flat contract",
        (*ENTRY, stop("2"), position(0, day_bought=65, day_sold=65, ltp=D(140))),
        False,
    ),
    (
        "placed by hand",
        (*ENTRY, stop("9", parent_id=None), position(-65, ltp=D(140))),
        True,
    ),
    ("a target beyond", (*ENTRY, target("3"), position(-65, ltp=D(60))), False),
]


@pytest.mark.parametrize(
    ("parts", "beyond"),
    [case[1:] for case in BEYOND_STOP],
    ids=[case[0] for case in BEYOND_STOP],
)
def test_a_stop_that_the_price_has_jumped_does_not_fill(
    parts: tuple[Part, ...], beyond: bool
) -> None:
    findings = found(Verdict.STOP_NOT_FILLED, *parts)
    assert [finding.runs for finding in findings] == [2] * beyond


def test_a_jumped_stop_is_told_with_price_and_trigger() -> None:
    parts = (*ENTRY, stop("2"), position(-65, ltp=D("140.5")))
    assert told(Verdict.STOP_NOT_FILLED, *parts) == (
        f"the price of {TICKER} (140.5) is beyond its stop at 115, and the stop "
        "(order 2) does not fill: 65 are open and nothing limits the loss. Close them "
        "now: send BUY, or change the order's limit price in the FYERS app."
    )


# --- position_converted ---------------------------------------------------------------


def test_a_converted_position_beside_its_old_exits_is_told() -> None:
    old = position(0, day_bought=65, day_sold=65)
    words = told(
        Verdict.CONVERTED, *ENTRY, stop("2"), target("3"), old, position(-65, "MARGIN")
    )
    assert "converted to MARGIN, but its exits (2, 3) are still for INTRADAY" in words


def test_a_converted_position_with_exits_of_its_own_is_not_told() -> None:
    parts = (*ENTRY, stop("2", product="MARGIN"), position(-65, "MARGIN"))
    assert found(Verdict.CONVERTED, *parts) == []


# --- Orders ---------------------------------------------------------------------------

STOPPED = "The short of 65 is open. A stop works for all of it"
BARE = "The short of 65 is open. NO stop works"
ORDERS: list[tuple[str, Verdict, tuple[Part, ...], str, Severity]] = [
    (
        "an entry that rests",
        Verdict.UNFILLED,
        (our(ago=60), row("1", placed_at=None)),
        "SELL 65 {t} INTRADAY: nothing is filled after a minute. No position is open "
        "there. Order 1 still works: change its price or cancel it in the FYERS app.",
        Severity.WARNING,
    ),
    (
        "a cover that rests beside its stop",
        Verdict.UNFILLED,
        (
            *ENTRY,
            stop("2"),
            position(-65),
            our(BUY, closes=True, tag=OTHER_TAG, ids=("5",), ago=60),
            row("5", BUY),
        ),
        "BUY 65 {t} INTRADAY: nothing is filled after a minute. " + STOPPED + ". Order "
        "5 still works: change its price or cancel it in the FYERS app.",
        Severity.WARNING,
    ),
    (
        "a part that rests",
        Verdict.PART_FILLED,
        (our(qty=130, ago=60), row("1", qty=130, filled=65), stop("2")),
        "SELL 130 {t} INTRADAY: after a minute only 65 of 130 are filled. "
        + STOPPED
        + ". Order 1 still works: change its price or cancel the rest in the FYERS "
        "app.",
        Severity.WARNING,
    ),
    (
        "a part that ended",
        Verdict.PART_FILLED,
        (our(qty=130), row("1", qty=130, filled=65, status=CANCELLED), stop("2")),
        "SELL 130 {t} INTRADAY: order 1 ended with 65 of 130 filled; the rest will not "
        "be sent again. " + STOPPED + ".",
        Severity.WARNING,
    ),
    (
        "an entry refused later",
        Verdict.ORDER_REJECTED,
        (our(), row("1", status=REJECTED, message="RED:17181")),
        "SELL 65 {t} INTRADAY: FYERS accepted it as 1, then it ended rejected without "
        "a fill: RED:17181. No position is open there.",
        Severity.ERROR,
    ),
    (
        "a cover refused later, its stop standing",
        Verdict.ORDER_REJECTED,
        (
            *ENTRY,
            stop("2"),
            position(-65),
            COVER,
            row("5", BUY, status=REJECTED, message="RED:x"),
        ),
        "BUY 65 {t} INTRADAY: FYERS accepted it as 5, then it ended rejected without a "
        "fill: RED:x. " + STOPPED + ". Close it now: send EXIT, or BUY 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "a cover cancelled, the short bare",
        Verdict.ORDER_REJECTED,
        (*ENTRY, position(-65), COVER, row("5", BUY, status=CANCELLED)),
        "BUY 65 {t} INTRADAY: FYERS accepted it as 5, then it ended cancelled without "
        "a fill. " + BARE + ". Close it now: send EXIT, or BUY 65 by hand.",
        Severity.CRITICAL,
    ),
    (
        "an accepted order that is not in the book",
        Verdict.ORDER_MISSING,
        (our(ago=60),),
        "SELL 65 {t} INTRADAY: FYERS accepted this order as 1, but its order book does "
        "not show it. No position is open there. Look at orders and positions in the "
        "FYERS app.",
        Severity.CRITICAL,
    ),
    (
        "a filled entry",
        Verdict.ORDER_FILLED,
        SHORT,
        "SELL 65 {t} INTRADAY: filled at 100.00, stop 115.00, target 75.00.",
        Severity.INFO,
    ),
    (
        "a filled cover",
        Verdict.ORDER_FILLED,
        (COVER, row("5", BUY, filled=65), FLAT),
        "BUY 65 {t} INTRADAY: filled at 100.00. Nothing is open now.",
        Severity.INFO,
    ),
    (
        "slices, one of them refused",
        Verdict.PART_FILLED,
        (
            our(BUY, 1950, closes=True, ids=("1", "2")),
            row("1", BUY, 1800, 1800),
            row("2", BUY, 150, status=REJECTED),
            position(-150, day_bought=1800, day_sold=1950),
        ),
        "BUY 1950 {t} INTRADAY: order 1, 2 ended with 1800 of 1950 filled; the rest "
        "will not be sent again. The short of 150 is open. NO stop works. Close it "
        "now: send EXIT, or BUY 150 by hand.",
        Severity.WARNING,
    ),
]


@pytest.mark.parametrize(
    ("verdict", "parts", "words", "severity"),
    [case[1:] for case in ORDERS],
    ids=[case[0] for case in ORDERS],
)
def test_an_order_of_ours_is_followed_to_its_end(
    verdict: Verdict, parts: tuple[Part, ...], words: str, severity: Severity
) -> None:
    (finding,) = found(verdict, *parts)
    assert finding.message == words.format(t=TICKER)
    assert finding.severity is severity
    assert finding.once


@pytest.mark.parametrize(
    "parts",
    [
        (our(ago=59), row("1")),
        (our(ago=59),),
        (our(qty=130, ago=59), row("1", qty=130, filled=65), stop("2"), target("3")),
        (our(ago=86400, ids=("9",)),),
        (our(ago=600, flight=Flight.OPEN, ids=()),),
    ],
    ids=["rests", "not shown", "part-filled", "yesterday's", "unknown"],
)
def test_an_order_has_a_minute_and_only_its_own_day(parts: tuple[Part, ...]) -> None:
    assert judge(book(*parts), Watch(TICKER), NOW) == ()


# --- What the desk shows --------------------------------------------------------------


def test_the_desk_shows_the_position_with_its_exits_and_rupees() -> None:
    held = position(-65, ltp=D("98.5"), realized=D(10), unrealized=D("97.5"))
    seen = see(book(*ENTRY, stop("2"), target("3"), held), NOW)
    assert (seen.net, seen.product, seen.at) == (-65, "INTRADAY", NOW)
    assert (seen.ltp, seen.entry_price) == (D("98.5"), D(100))
    assert (seen.stop, seen.target, seen.rupees) == (D(115), D(75), D("107.5"))


@pytest.mark.parametrize(
    ("parts", "nearest"),
    [
        ((*ENTRY, position(-65), stop("2"), stop("4", stop_price=D(110))), 110),
        ((*LONG, position(65), stop("2", SELL), stop("4", SELL, stop_price=D(90))), 90),
    ],
    ids=["short", "long"],
)
def test_of_several_stops_the_nearest_is_shown(
    parts: tuple[Part, ...], nearest: int
) -> None:
    assert see(book(*parts), NOW).stop == nearest


def test_what_is_flat_shows_no_exits() -> None:
    seen = see(book(*ENTRY, stop("2"), FLAT), NOW)
    assert (seen.net, seen.product) == (0, "")
