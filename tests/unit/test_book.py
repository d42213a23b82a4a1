"""Every question asked of the order book, one table each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.models import (
    Action,
    BookedOrder,
    ExitKind,
    Flight,
    OrderStatus,
    OurOrder,
    Position,
    Quote,
)
from tests.unit.books import (
    BUY,
    NOW,
    SELL,
    TAG,
    TICKER,
    book,
    our,
    position,
    row,
    stop,
    target,
)

D = Decimal
OTHER_TAG = "f" * 20
QUOTE = Quote(D(100), D("99.9"), D("100.1"))
Part = OurOrder | BookedOrder | Position


def limit(order_id: str, action: Action, price: str, qty: int = 65) -> BookedOrder:
    return row(order_id, action, qty, order_type=1, limit_price=D(price))


def hand_stop(order_id: str, action: Action, price: str) -> BookedOrder:
    return row(order_id, action, order_type=4, stop_price=D(price))


# --- The position ---------------------------------------------------------------------

NETS: list[tuple[str, tuple[Part, ...], dict[str, int]]] = [
    ("nothing", (), {}),
    ("a short", (position(-65), row("1", filled=65)), {"INTRADAY": -65}),
    ("a long", (position(65), row("1", BUY, filled=65)), {"INTRADAY": 65}),
    ("flat", (position(0, day_bought=65, day_sold=65),), {}),
    ("a short that positions lack", (row("1", filled=65),), {"INTRADAY": -65}),
    ("a long that positions lack", (row("1", BUY, filled=65),), {"INTRADAY": 65}),
    (
        "a cover that positions lack",
        (position(-65), row("1", filled=65), row("2", BUY, filled=65)),
        {},
    ),
    (
        "a close of a long that positions lack",
        (position(65), row("1", BUY, filled=65), row("2", filled=65)),
        {},
    ),
    (
        "a cover that the book lacks",
        (position(0, day_bought=65, day_sold=65), row("1", filled=65)),
        {},
    ),
    ("a short that the book lacks", (position(-65),), {"INTRADAY": -65}),
    (
        "half of a fill that positions lack",
        (position(-65), row("1", qty=130, filled=130)),
        {"INTRADAY": -130},
    ),
    (
        "a hand order's fill that positions lack",
        (position(-65), row("1", filled=65), row("9", BUY, filled=65, tag="hand")),
        {},
    ),
    (
        "a stop that traded and positions lack",
        (position(-65), row("1", filled=65), stop("2", filled=65)),
        {},
    ),
    (
        "a carried short",
        (position(-65, "MARGIN", carried=-65, day_sold=0),),
        {"MARGIN": -65},
    ),
    (
        "a carried short whose cover positions lack",
        (
            position(-65, "MARGIN", carried=-65, day_sold=0),
            row("1", BUY, filled=65, product="MARGIN"),
        ),
        {},
    ),
    (
        "a carried long beside today's short",
        (position(0, carried=65, day_bought=0, day_sold=65), row("1", filled=65)),
        {},
    ),
    (
        "a short converted to another product",
        (
            position(0, day_bought=65, day_sold=65),
            position(-65, "MARGIN"),
            row("1", filled=65),
        ),
        {"MARGIN": -65},
    ),
    (
        "a short converted where the old row is gone",
        (position(-65, "MARGIN"), row("1", filled=65)),
        {"MARGIN": -65},
    ),
    (
        "a long converted to another product",
        (position(65, "MARGIN"), row("1", BUY, filled=65)),
        {"MARGIN": 65},
    ),
    (
        "a conversion of half, beside a cover that positions lack",
        (
            position(-65),
            position(-65, "MARGIN"),
            row("1", qty=130, filled=130),
            row("2", BUY, filled=65),
        ),
        {"MARGIN": -65},
    ),
    (
        "two products, of which one lags",
        (
            position(-65),
            position(-130, "MARGIN"),
            row("1", filled=65),
            row("2", qty=130, filled=130, product="MARGIN"),
            row("3", BUY, filled=65, product="MARGIN"),
        ),
        {"INTRADAY": -65, "MARGIN": -65},
    ),
    (
        "another contract",
        (
            row("1", filled=65, ticker="NSE:OTHER"),
            Position("NSE:OTHER", "INTRADAY", -65),
        ),
        {},
    ),
    (
        "what was cancelled half filled",
        (row("1", qty=130, filled=65, status=OrderStatus.CANCELLED),),
        {"INTRADAY": -65},
    ),
]


@pytest.mark.parametrize(
    ("parts", "nets"), [case[1:] for case in NETS], ids=[case[0] for case in NETS]
)
def test_what_is_open_counts_what_either_list_has_seen_traded(
    parts: tuple[Part, ...], nets: dict[str, int]
) -> None:
    found = book(*parts)
    assert dict(found.nets) == nets
    assert found.net == sum(nets.values())


@pytest.mark.parametrize(
    ("side", "product", "size"),
    [
        (BUY, None, 195),
        (BUY, "INTRADAY", 65),
        (BUY, "MARGIN", 130),
        (BUY, "CNC", 0),
        (SELL, None, 195),
        (SELL, "CNC", 195),
        (SELL, "INTRADAY", 0),
    ],
)
def test_a_side_closes_only_positions_of_the_other_sign(
    side: Action, product: str | None, size: int
) -> None:
    found = book(position(-65), position(-130, "MARGIN"), position(195, "CNC"))
    assert found.open(side, product) == size


# --- Our orders -----------------------------------------------------------------------

ROWS_OF: list[tuple[str, OurOrder, tuple[BookedOrder, ...], list[str]]] = [
    ("by its id", our(), (row("1"),), ["1"]),
    ("by its tag", our(ids=()), (row("7", tag=TAG),), ["7"]),
    ("by its tag in upper case", our(ids=()), (row("7", tag=TAG.upper()),), ["7"]),
    ("by a tag cut to 16", our(ids=()), (row("7", tag=TAG[:16]),), ["7"]),
    ("not by a tag cut to 15", our(ids=()), (row("7", tag=TAG[:15]),), []),
    ("not by a longer tag", our(ids=()), (row("7", tag=TAG + "0"),), []),
    ("not by another tag", our(ids=()), (row("7", tag=OTHER_TAG),), []),
    ("by tag where the id has a suffix", our(), (row("1-BO-1", tag=TAG),), ["1-BO-1"]),
    ("with a parent", our(ids=()), (row("7", tag=TAG, parent_id="x"),), ["7"]),
    ("in slices", our(ids=("1", "2")), (row("1"), row("2"), row("3")), ["1", "2"]),
    ("in slices by tag", our(), (row("1"), row("2", tag=TAG)), ["1", "2"]),
    ("not the other side", our(), (row("1", BUY), row("2", BUY, tag=TAG)), []),
    ("a long by its id", our(BUY), (row("1", BUY),), ["1"]),
    ("a long's id on the other side", our(BUY), (row("1", SELL),), []),
    ("accepted, without tag or known id", our(), (row("7"),), ["7"]),
    ("of those only the first", our(), (row("7"), row("8")), ["7"]),
    ("not before it was sent", our(ago=10), (row("7"),), []),
    ("not of another quantity", our(), (row("7", qty=130),), []),
    ("not of another product", our(), (row("7", product="MARGIN"),), []),
    ("not a limit order", our(), (limit("7", SELL, "100"),), []),
    ("not a leg", our(), (row("7", parent_id="x"),), []),
    ("not one of unknown outcome", our(flight=Flight.OPEN, ids=()), (row("7"),), []),
    ("not an absent one", our(flight=Flight.ABSENT, ids=()), (row("7"),), []),
    (
        "an absent one by its tag",
        our(flight=Flight.ABSENT, ids=()),
        (row("7", tag=TAG),),
        ["7"],
    ),
]


@pytest.mark.parametrize(
    ("one", "rows", "ids"),
    [case[1:] for case in ROWS_OF],
    ids=[case[0] for case in ROWS_OF],
)
def test_our_order_is_found(
    one: OurOrder, rows: tuple[BookedOrder, ...], ids: list[str]
) -> None:
    found = book(one, *rows).rows_of(one)
    assert [each.order_id for each in found] == ids


def test_a_row_of_one_order_of_ours_is_not_taken_for_another() -> None:
    first, second = our(ids=("7",)), our(ids=("1",), tag=OTHER_TAG)
    found = book(first, second, row("7"))
    assert found.rows_of(second) == ()


WORKING: list[tuple[str, tuple[Part, ...], list[str], list[str]]] = [
    ("a resting entry", (our(), row("1")), ["1"], []),
    ("a resting long", (our(BUY), row("1", BUY)), ["1"], []),
    ("a part-filled entry", (our(qty=130), row("1", qty=130, filled=65)), ["1"], []),
    ("a filled entry", (our(), row("1", filled=65)), [], []),
    ("a cancelled entry", (our(), row("1", status=OrderStatus.CANCELLED)), [], []),
    ("a resting cover", (our(BUY, closes=True), row("1", BUY)), [], ["1"]),
    ("a resting close of a long", (our(closes=True), row("1")), [], ["1"]),
    ("a hand order", (our(), row("9", qty=130)), [], []),
    ("a hand order with a tag", (our(), row("9", tag="hand")), [], []),
    ("the legs of an entry", (our(), row("1", filled=65), stop("2")), [], []),
]


@pytest.mark.parametrize(
    ("parts", "entries", "closes"),
    [case[1:] for case in WORKING],
    ids=[case[0] for case in WORKING],
)
def test_our_working_orders_open_or_close(
    parts: tuple[Part, ...], entries: list[str], closes: list[str]
) -> None:
    found = book(*parts)
    assert [each.order_id for each in found.entries] == entries
    assert [each.order_id for each in found.closes] == closes


IN_FLIGHT: list[tuple[str, OurOrder, tuple[BookedOrder, ...], bool]] = [
    ("accepted and not in the book", our(ago=10), (), True),
    ("accepted two minutes ago", our(ago=120), (), False),
    ("accepted and in the book", our(ago=10), (row("1"),), False),
    ("of unknown outcome", our(flight=Flight.OPEN, ids=(), ago=10), (), True),
    (
        "of unknown outcome for long",
        our(flight=Flight.OPEN, ids=(), ago=9000),
        (),
        True,
    ),
    ("found by its tag", our(flight=Flight.OPEN, ids=()), (row("7", tag=TAG),), False),
    ("settled as absent", our(flight=Flight.ABSENT, ids=()), (), False),
    (
        "accepted in two slices of which one is shown",
        our(qty=130, ids=("1", "2"), ago=20),
        (row("1", filled=65),),
        True,
    ),
    (
        "accepted in two slices that are shown",
        our(qty=130, ids=("1", "2"), ago=20),
        (row("1", filled=65), row("2")),
        False,
    ),
    (
        "accepted in one slice, the other refused",
        our(qty=130, ids=("1",), ago=20),
        (row("1"),),
        False,
    ),
    (
        "of unknown outcome, a slice of it shown",
        our(qty=130, flight=Flight.OPEN, ids=(), ago=20),
        (row("7", tag=TAG),),
        True,
    ),
    (
        "of unknown outcome, a slice of it shown for half a minute",
        our(qty=130, flight=Flight.OPEN, ids=(), ago=40),
        (row("7", tag=TAG),),
        False,
    ),
    (
        "of unknown outcome, beside a row that may be it and works",
        our(flight=Flight.OPEN, ids=(), ago=35),
        (row("7"),),
        True,
    ),
    (
        "of unknown outcome, beside a row that may be it and has ended",
        our(flight=Flight.OPEN, ids=(), ago=35),
        (row("7", filled=65),),
        False,
    ),
    (
        "the same before FYERS has had time to show it",
        our(flight=Flight.OPEN, ids=(), ago=28),
        (row("7", filled=65),),
        True,
    ),
    ("accepted, beside a row that may be it", our(ago=28), (row("7"),), True),
    (
        "accepted, beside a row that may be it for half a minute",
        our(ago=35),
        (row("7"),),
        False,
    ),
    ("of yesterday", our(flight=Flight.OPEN, ids=(), ago=86400), (), False),
]


@pytest.mark.parametrize("closes", [False, True], ids=["entry", "close"])
@pytest.mark.parametrize(
    ("one", "rows", "flies"),
    [case[1:] for case in IN_FLIGHT],
    ids=[case[0] for case in IN_FLIGHT],
)
def test_an_order_that_may_be_at_fyers_unseen_is_in_flight(
    one: OurOrder, rows: tuple[BookedOrder, ...], flies: bool, closes: bool
) -> None:
    one = OurOrder(
        one.order, closes, one.flight, one.order_ids, one.sent_at, one.send_by
    )
    found = book(one, *rows)
    assert found.in_flight(NOW, closes=closes) == ((one,) if flies else ())
    assert found.in_flight(NOW, closes=not closes) == ()


# --- What closes ----------------------------------------------------------------------

CLOSING: list[tuple[str, Action, tuple[Part, ...], int]] = [
    ("nothing", BUY, (), 0),
    ("our working cover", BUY, (our(BUY, closes=True), row("1", BUY)), 65),
    ("our working close of a long", SELL, (our(closes=True), row("1")), 65),
    (
        "our cover by its tag",
        BUY,
        (our(BUY, closes=True, ids=()), row("7", BUY, tag=TAG)),
        65,
    ),
    (
        "what is left of it",
        BUY,
        (our(BUY, 130, closes=True), row("1", BUY, 130, 65)),
        65,
    ),
    ("our traded cover", BUY, (our(BUY, closes=True), row("1", BUY, filled=65)), 0),
    ("a hand market order", BUY, (row("9", BUY),), 65),
    ("a hand market sale", SELL, (row("9"),), 65),
    ("a hand limit at the ask", BUY, (limit("9", BUY, "100.1"),), 65),
    ("a hand limit through the ask", BUY, (limit("9", BUY, "105"),), 65),
    ("a hand limit below the ask", BUY, (limit("9", BUY, "100"),), 0),
    ("a hand limit far away", BUY, (limit("9", BUY, "5"),), 0),
    ("a hand sale at the bid", SELL, (limit("9", SELL, "99.9"),), 65),
    ("a hand sale through the bid", SELL, (limit("9", SELL, "90"),), 65),
    ("a hand sale above the bid", SELL, (limit("9", SELL, "100"),), 0),
    ("a hand stop", BUY, (hand_stop("9", BUY, "115"),), 0),
    ("a hand stop of a long", SELL, (hand_stop("9", SELL, "85"),), 0),
    ("exit legs", BUY, (our(), row("1", filled=65), stop("2"), target("3")), 0),
    ("the other side", BUY, (row("9", SELL),), 0),
    ("our entry of that side", BUY, (our(BUY), row("1", BUY)), 0),
    ("an ended order", BUY, (row("9", BUY, status=OrderStatus.REJECTED),), 0),
    ("another product", BUY, (row("9", BUY, product="MARGIN"),), 0),
]


@pytest.mark.parametrize(
    ("side", "parts", "size"),
    [case[1:] for case in CLOSING],
    ids=[case[0] for case in CLOSING],
)
def test_what_must_trade_now_closes(
    side: Action, parts: tuple[Part, ...], size: int
) -> None:
    assert book(*parts).closing(side, QUOTE, "INTRADAY") == size


@pytest.mark.parametrize(
    "quote", [None, Quote(D(100))], ids=["no quote", "nobody offers"]
)
@pytest.mark.parametrize("side", list(Action))
def test_without_a_quote_no_limit_is_known_to_trade(
    quote: Quote | None, side: Action
) -> None:
    price = "500" if side is BUY else "0.05"
    assert book(limit("9", side, price)).closing(side, quote) == 0


UNCOVERED: list[tuple[str, Action, tuple[Part, ...], int]] = [
    ("a bare short", BUY, (position(-130),), 130),
    ("a bare long", SELL, (position(130),), 130),
    ("a short half covered", BUY, (position(-130), row("9", BUY)), 65),
    ("a long half closed", SELL, (position(130), row("9", SELL)), 65),
    ("a short more than covered", BUY, (position(-65), row("9", BUY, 130)), 0),
    ("a short with exits", BUY, (our(), row("1", filled=65), stop("2")), 65),
    ("a short and a resting hand bid", BUY, (position(-65), limit("9", BUY, "5")), 65),
    ("a long for a BUY", BUY, (position(65),), 0),
]


@pytest.mark.parametrize(
    ("side", "parts", "size"),
    [case[1:] for case in UNCOVERED],
    ids=[case[0] for case in UNCOVERED],
)
def test_what_nothing_closes_yet_is_uncovered(
    side: Action, parts: tuple[Part, ...], size: int
) -> None:
    assert book(*parts).uncovered(side, QUOTE) == size


RESTING: list[tuple[str, Action, tuple[Part, ...], list[str]]] = [
    ("a hand bid far away", BUY, (limit("9", BUY, "5"),), ["9"]),
    ("a hand offer far away", SELL, (limit("9", SELL, "500"),), ["9"]),
    (
        "a hand stop",
        BUY,
        (our(), row("1", filled=65), hand_stop("9", BUY, "115")),
        ["9"],
    ),
    (
        "a hand stop of a long",
        SELL,
        (our(BUY), row("1", BUY, filled=65), hand_stop("9", SELL, "85")),
        ["9"],
    ),
    ("what trades now", BUY, (row("9", BUY), limit("8", BUY, "101")), []),
    ("the other side", BUY, (limit("9", SELL, "500"),), []),
    ("our exits", BUY, (our(), row("1", filled=65), stop("2"), target("3")), []),
    ("our own close", BUY, (our(BUY, closes=True), row("1", BUY)), []),
    (
        "an ended order",
        BUY,
        (row("9", BUY, order_type=1, status=OrderStatus.CANCELLED),),
        [],
    ),
]


@pytest.mark.parametrize(
    ("side", "parts", "ids"),
    [case[1:] for case in RESTING],
    ids=[case[0] for case in RESTING],
)
def test_hand_orders_that_wait_are_named(
    side: Action, parts: tuple[Part, ...], ids: list[str]
) -> None:
    assert list(book(*parts).resting(side, QUOTE)) == ids


# --- Exits ----------------------------------------------------------------------------

STOP, TARGET = ExitKind.STOP, ExitKind.TARGET
ENTRY = (our(), row("1", filled=65))
LONG = (our(BUY), row("1", BUY, filled=65))
EXITS: list[tuple[str, tuple[Part, ...], list[tuple[str, ExitKind, str, bool]]]] = [
    (
        "by parent",
        (*ENTRY, stop("2"), target("3")),
        [("2", STOP, "1", True), ("3", TARGET, "1", True)],
    ),
    (
        "of a long by parent",
        (*LONG, stop("2", SELL), target("3", SELL)),
        [("2", STOP, "1", True), ("3", TARGET, "1", True)],
    ),
    ("as stop-market", (*ENTRY, stop("2", order_type=3)), [("2", STOP, "1", True)]),
    ("by tag", (*ENTRY, stop("2", parent_id=None, tag=TAG)), [("2", STOP, "1", True)]),
    (
        "of a long by tag",
        (*LONG, target("3", SELL, parent_id=None, tag=TAG[:16].upper())),
        [("3", TARGET, "1", True)],
    ),
    (
        "by their look",
        (*ENTRY, stop("2", parent_id=None), target("3", parent_id=None)),
        [("2", STOP, "", False), ("3", TARGET, "", False)],
    ),
    (
        "of a long by their look",
        (*LONG, stop("2", SELL, parent_id=None)),
        [("2", STOP, "", False)],
    ),
    (
        "of a parent that is not ours",
        (*ENTRY, stop("2", parent_id="77")),
        [("2", STOP, "77", False)],
    ),
    (
        "of a product that is not the entry's",
        (*ENTRY, stop("2", product="BO")),
        [("2", STOP, "1", True)],
    ),
    ("not with somebody's tag", (*ENTRY, stop("2", parent_id=None, tag="hand")), []),
    ("not without an entry of ours", (stop("2", parent_id=None),), []),
    ("not the entry's side", (*ENTRY, stop("2", SELL, parent_id=None)), []),
    ("not a market order", (*ENTRY, row("2", BUY)), []),
    (
        "not our own close",
        (*ENTRY, our(BUY, closes=True, tag=OTHER_TAG, ids=("2",)), row("2", BUY)),
        [],
    ),
    ("not what has ended", (*ENTRY, stop("2", status=OrderStatus.CANCELLED)), []),
]


@pytest.mark.parametrize(
    ("parts", "found"), [case[1:] for case in EXITS], ids=[case[0] for case in EXITS]
)
def test_exits_are_known(
    parts: tuple[Part, ...], found: list[tuple[str, ExitKind, str, bool]]
) -> None:
    exits = [
        (leg.row.order_id, leg.kind, leg.entry, leg.ours) for leg in book(*parts).exits
    ]
    assert exits == found


def test_every_leg_of_an_entry_is_found_ended_ones_too() -> None:
    ended = stop("2", status=OrderStatus.REJECTED)
    found = book(*ENTRY, ended, target("3"), stop("9", parent_id="77"))
    assert [leg.order_id for leg in found.exit_rows(ENTRY[0])] == ["2", "3"]


@pytest.mark.parametrize(
    ("kind", "side", "size"), [(STOP, BUY, 130), (TARGET, BUY, 65), (STOP, SELL, 0)]
)
def test_what_looks_like_an_exit_protects_as_well(
    kind: ExitKind, side: Action, size: int
) -> None:
    found = book(*ENTRY, stop("2"), stop("9", parent_id=None), target("3"))
    assert found.protected(kind, side) == size


SECOND = (our(tag=OTHER_TAG, ids=("5",)), row("5", filled=65))
TRIMS: list[tuple[str, Action, tuple[Part, ...], list[tuple[str, int]]]] = [
    ("exits that match", BUY, (*ENTRY, stop("2"), target("3"), position(-65)), []),
    (
        "exits of a flat contract",
        BUY,
        (*ENTRY, stop("2"), target("3"), position(0, day_bought=65, day_sold=65)),
        [("2", 0), ("3", 0)],
    ),
    (
        "exits of a flat long",
        SELL,
        (*LONG, stop("2", SELL), position(0, day_bought=65, day_sold=65)),
        [("2", 0)],
    ),
    (
        "exits larger than what is left",
        BUY,
        (
            our(qty=130),
            row("1", qty=130, filled=130),
            stop("2", qty=130),
            target("3", qty=130),
            position(-65, day_bought=65, day_sold=130),
        ),
        [("2", 65), ("3", 65)],
    ),
    (
        "only the larger leg",
        BUY,
        (
            our(qty=130),
            row("1", qty=130, filled=130),
            stop("2", qty=130),
            target("3"),
            position(-65, day_bought=65, day_sold=130),
        ),
        [("2", 65)],
    ),
    (
        "a part-filled leg keeps its fills",
        BUY,
        (
            our(qty=195),
            row("1", qty=195, filled=195),
            stop("2", qty=195, filled=65),
            position(-65, day_bought=130, day_sold=195),
        ),
        [("2", 130)],
    ),
    (
        "the oldest entry's exits",
        BUY,
        (
            *ENTRY,
            *SECOND,
            stop("2"),
            stop("6", parent_id="5"),
            position(-65, day_bought=65, day_sold=130),
        ),
        [("2", 0)],
    ),
    (
        "exits beside a working entry",
        BUY,
        (our(qty=130), row("1", qty=130, filled=65), stop("2", qty=130), position(-65)),
        [],
    ),
    (
        "what only looks like an exit",
        BUY,
        (*ENTRY, stop("9", parent_id=None), position(0, day_bought=65, day_sold=65)),
        [],
    ),
]


@pytest.mark.parametrize(
    ("side", "parts", "changes"),
    [case[1:] for case in TRIMS],
    ids=[case[0] for case in TRIMS],
)
def test_exits_of_ours_larger_than_the_position_are_trimmed(
    side: Action, parts: tuple[Part, ...], changes: list[tuple[str, int]]
) -> None:
    found = [(trim.row.order_id, trim.qty) for trim in book(*parts).trims(side)]
    assert found == changes


@pytest.mark.parametrize(("keep", "qty"), [(0, 0), (65, 65), (64, 64)])
def test_a_close_says_itself_how_much_the_exits_may_keep(keep: int, qty: int) -> None:
    found = book(
        our(BUY, 130), row("1", BUY, 130, 130), stop("2", SELL, 130), position(130)
    )
    assert [(trim.row.order_id, trim.qty) for trim in found.trims(SELL, keep)] == [
        ("2", qty)
    ]


COVER = our(BUY, closes=True, tag=OTHER_TAG, ids=("5",))
BEYOND: list[tuple[str, tuple[Part, ...], list[tuple[str, int]]]] = [
    ("nothing", (*ENTRY, stop("2"), position(-65)), []),
    ("a cover of what is open", (COVER, row("5", BUY), position(-65)), []),
    ("a cover of a flat contract", (COVER, row("5", BUY)), [("5", 0)]),
    (
        "a cover larger than the short",
        (COVER, row("5", BUY, 130), position(-65)),
        [("5", 65)],
    ),
    (
        "a close larger than the long",
        (our(closes=True), row("1", qty=130), position(65)),
        [("1", 65)],
    ),
    (
        "exits and a cover left behind",
        (
            *ENTRY,
            stop("2"),
            COVER,
            row("5", BUY),
            position(0, day_bought=65, day_sold=65),
        ),
        [("2", 0), ("5", 0)],
    ),
    ("a hand order of a flat contract", (row("9", BUY),), []),
    (
        "exits of a position that positions lack",
        (*ENTRY, stop("2"), target("3")),
        [],
    ),
]


@pytest.mark.parametrize(
    ("parts", "changes"),
    [case[1:] for case in BEYOND],
    ids=[case[0] for case in BEYOND],
)
def test_what_of_ours_could_open_a_position_is_beyond(
    parts: tuple[Part, ...], changes: list[tuple[str, int]]
) -> None:
    found = [(trim.row.order_id, trim.qty) for trim in book(*parts).beyond]
    assert found == changes


QUIET: list[tuple[str, tuple[Part, ...], bool]] = [
    ("nothing", (), True),
    ("flat", (*ENTRY, position(0, day_bought=65, day_sold=65)), True),
    ("a short", (position(-65),), False),
    ("two positions that cancel out", (position(-65), position(65, "MARGIN")), False),
    ("a working entry", (our(), row("1")), False),
    ("a working close", (COVER, row("5", BUY)), False),
    (
        "an exit of ours",
        (*ENTRY, stop("2"), position(0, day_bought=65, day_sold=65)),
        False,
    ),
    (
        "a hand order",
        (*ENTRY, limit("9", SELL, "500"), position(0, day_bought=65, day_sold=65)),
        True,
    ),
]


@pytest.mark.parametrize(
    ("parts", "quiet"), [case[1:] for case in QUIET], ids=[case[0] for case in QUIET]
)
def test_a_contract_is_quiet_when_nothing_of_ours_can_move_it(
    parts: tuple[Part, ...], quiet: bool
) -> None:
    assert book(*parts).quiet is quiet


def test_a_book_holds_one_contract_only() -> None:
    found = book(row("1", ticker="NSE:OTHER"), Position("NSE:OTHER", "INTRADAY", -65))
    assert (found.ticker, found.rows, found.positions) == (TICKER, (), ())
