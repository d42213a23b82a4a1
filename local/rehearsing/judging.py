"""The table: what this software assumes of FYERS against what came.

Exits are compared by the guard's own checks, so that the two can never disagree.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from local.rehearsing.course import SQUARE_OFF, Plan
from local.rehearsing.seen import Look, Played, Round, exits_differ, is_filled
from shared.models import (
    IST,
    Action,
    BookedOrder,
    ExitKind,
    OrderStatus,
    Product,
)
from shared.models.book import LIMIT, MARKET
from shared.orders.placing import WITHOUT_EXITS

SENT_TAG = re.compile(r"[0-9a-f]{20}")
"""As every order's tag is made."""

MOST_LAG = 10.0
"""Seconds that positions and order book may be apart."""

WIDTH = 46
"""Characters of a column."""


Found = tuple[bool, str] | str
"""Whether it agrees and what came; words alone say why it could not be seen."""


class Agreement(StrEnum):
    """How an assumption fared."""

    AGREES = "ok"
    DIFFERS = "DIFFERS"
    UNSEEN = "not seen"
    UNASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Line:
    """One assumption and what came."""

    assumed: str
    came: str
    agreement: Agreement


def judged(agrees: bool, assumed: str, came: str) -> Line:
    """Return the line of something that was seen."""
    return Line(assumed, came, Agreement.AGREES if agrees else Agreement.DIFFERS)


def table(played: Played, plan: Plan) -> tuple[Line, ...]:
    """Return every line, those that were not asked included."""
    rounds = {each.name: each for each in played.rounds}
    wide = rounds.get("wide")
    lines: list[Line] = []
    for words, judge in _OF_WIDE:
        lines.append(_seen(wide, words, judge))
    lines.append(_one_cancels_other(rounds.get("tight"), plan))
    lines.append(_slices(wide, plan))
    lines.append(_late(wide, plan))
    lines.append(_products(rounds, plan))
    return tuple(lines)


def agreed(lines: tuple[Line, ...]) -> bool:
    """Return whether everything that was asked agrees."""
    good = (Agreement.AGREES, Agreement.UNASKED)
    return all(line.agreement in good for line in lines)


def _seen(played: Round | None, assumed: str, judge: Callable[[Round], Found]) -> Line:
    """Return the line of what a judge found."""
    found = judge(played) if played and played.looks else "no order of it was seen"
    if isinstance(found, str):
        return Line(assumed, found, Agreement.UNSEEN)
    return judged(found[0], assumed, found[1])


# --- One short with exits, and its cover ----------------------------------------------


def _tag(played: Round) -> Found:
    rows = played.last.rows_of(played.entry)
    if not rows:
        return "the order book does not show the order"
    return _tags(rows)


def _tags(rows: tuple[BookedOrder, ...]) -> tuple[bool, str]:
    came = ", ".join(row.tag or "no tag" for row in rows)
    return all(SENT_TAG.fullmatch(row.tag) for row in rows), came


def _ids(played: Round) -> Found:
    rows = played.last.rows_of(played.entry)
    if not rows:
        return "the order book does not show the order"
    shown = {row.order_id for row in rows}
    returned = ", ".join(played.entry.order_ids)
    return shown == set(played.entry.order_ids), (
        f"{returned} in the reply, {', '.join(sorted(shown))} in the book"
    )


def _fill(played: Round) -> Found:
    rows = played.last.rows_of(played.entry)
    came = ", ".join(
        " ".join(filter(None, (f"{row.filled} of {row.qty}", row.status, row.message)))
        for row in rows
    )
    return played.filled, came or "the order book does not show the order"


def _parents(played: Round) -> Found:
    legs = _legs(played)
    if not legs:
        return "no exit was found"
    ids = {row.order_id for row in played.last.rows_of(played.entry)}
    naming = [row for row in legs if row.parent_id in ids]
    return len(naming) == len(legs), (
        f"{len(naming)} of {len(legs)} name it; "
        f"{', '.join(row.parent_id or 'none' for row in legs)}"
    )


def _leg_products(played: Round) -> Found:
    legs = _legs(played)
    if not legs:
        return "no exit was found"
    came = {row.product for row in legs}
    return came == {str(played.product)}, ", ".join(sorted(came))


def _leg_prices(played: Round) -> Found:
    """The guard's two checks: every exit is there, and each is as it was sent."""
    look = played.before_cover
    if look is None or not is_filled(look.book, played.entry):
        return "the order did not trade"
    if not (played.entry.order.stop_loss or played.entry.order.take_profit):
        return "ATTACH_EXITS is off: no exits were sent"
    if faults := exits_differ(played):
        return False, "; ".join(faults)
    rows = look.book.rows_of(played.entry)
    return True, ", ".join(
        f"target {row.limit_price:f}"
        if row.order_type == LIMIT
        else f"stop {row.stop_price:f}"
        for row in _legs(played)
    ) + f" from a fill at {rows[0].traded_price:f}"


def _lag(played: Round) -> Found:
    """Return how far apart the two first showed the fill."""
    wanted = played.entry.order.qty

    def first(shows: Callable[[Look], bool]) -> Look | None:
        return next((look for look in played.looks if shows(look)), None)

    rows = first(lambda look: is_filled(look.book, played.entry))
    positions = first(
        lambda look: (
            wanted
            <= sum(
                p.day_sold for p in look.book.positions if p.product == played.product
            )
        )
    )
    if rows is None:
        return "the order did not trade"
    if positions is None:
        return False, "positions never showed it"
    lag = positions.positions_at - rows.rows_at
    if positions is played.looks[0] is rows:
        return True, f"both at once ({lag:.1f} s for the two reads)"
    return abs(lag) <= MOST_LAG, f"positions {lag:+.1f} s after the order book"


def _cover(played: Round) -> Found:
    before = played.before_cover
    if not played.covers or before is None:
        return "it was not covered by an alert"
    exits = before.book.protected(ExitKind.STOP, Action.BUY)
    if not exits:
        return "no exit was pending when it was covered"
    refused = [
        row.message or "no reason given"
        for row in played.last.rows
        if row.action is Action.BUY
        and row.order_type == MARKET
        and row.status is OrderStatus.REJECTED
        and row.order_id not in {each.order_id for each in before.book.rows}
    ]
    first = played.covers[0]
    if refused or WITHOUT_EXITS in str(first.body.get("note")):
        return False, f"refused: {'; '.join(refused) or WITHOUT_EXITS}"
    if first.status != 200 or not played.flat:
        return False, f"the webhook: {first.words}"
    return True, f"taken while exits for {exits} worked"


_OF_WIDE: tuple[tuple[str, Callable[[Round], Found]], ...] = (
    ("the order tag comes back as sent, 20 hex digits", _tag),
    ("the id in the order book is the one returned", _ids),
    ("a market order trades whole within seconds", _fill),
    ("exit legs name their entry as parentId", _parents),
    ("exit legs carry the product of their entry", _leg_products),
    ("stop and target are at fill ± distance, for all of it", _leg_prices),
    (f"positions and order book are at most {MOST_LAG:.0f} s apart", _lag),
    ("a cover is taken while its exits are pending", _cover),
)


def _legs(played: Round) -> tuple[BookedOrder, ...]:
    """Return the exits before the cover, by whatever they can be known."""
    if played.before_cover is None:
        return ()
    return tuple(
        leg.row
        for leg in played.before_cover.book.exits
        if leg.row.action is Action.BUY
    )


# --- What is asked apart --------------------------------------------------------------


def _one_cancels_other(tight: Round | None, plan: Plan) -> Line:
    assumed = "when stop or target trades, FYERS cancels the other"
    if plan.late:
        return Line(
            assumed, "--late leaves no time for a second short.", Agreement.UNASKED
        )

    def judge(played: Round) -> Found:
        if played.leg_traded is None:
            return "neither was reached in time; the short was covered"
        book = played.looks[-1].book
        legs = played.leg_traded.book.exit_rows(played.entry)
        done = ", ".join(row.order_id for row in legs if row.filled)
        left = [row for row in book.exit_rows(played.entry) if row.remaining]
        if left:
            ids = ", ".join(row.order_id for row in left)
            return False, f"{done} traded and {ids} still works"
        return len(legs) > 1, f"{done} traded, {len(legs) - 1} other ended"

    return _seen(tight, assumed, judge)


def _slices(wide: Round | None, plan: Plan) -> Line:
    assumed = "every slice of a large order carries the tag"
    ids = wide.entry.order_ids if wide else ()
    if len(ids) < 2:
        came = (
            "It went in one piece: give --lots of more than the freeze quantity."
            if plan.lots > 1
            else "One lot is never sliced; --lots above the freeze quantity asks."
        )
        return Line(assumed, came, Agreement.UNASKED)

    def judge(played: Round) -> Found:
        rows = [row for row in played.last.rows if row.order_id in ids]
        good, came = _tags(tuple(rows))
        same = len({row.tag for row in rows}) == 1
        return good and same and len(rows) == len(ids), came or "no row of them came"

    return _seen(wide, assumed, judge)


def _late(wide: Round | None, plan: Plan) -> Line:
    assumed = "an INTRADAY close is taken after 15:15"
    if not plan.late:
        came = "--late covers after 15:15, where SQUARE_OFF_AT does not before."
        return Line(assumed, came, Agreement.UNASKED)

    def judge(played: Round) -> Found:
        if played.covered_at is None:
            return "it was closed before 15:15 (SQUARE_OFF_AT, an exit, or a hand)"
        at = played.covered_at.astimezone(IST)
        if at.time() < SQUARE_OFF:
            return f"it was covered at {at:%H:%M:%S}"
        found = _cover(played)
        if isinstance(found, str):
            good = played.covers[0].status == 200 and played.flat
            found = good, played.covers[0].words
        return found[0], f"at {at:%H:%M:%S}: {found[1]}"

    return _seen(wide, assumed, judge)


def _products(rounds: dict[str, Round], plan: Plan) -> Line:
    assumed = "INTRADAY then MARGIN: a position each, closed one by one"
    if not plan.products or plan.late:
        came = "--products sells one lot in each product at the same time."
        return Line(assumed, came, Agreement.UNASKED)

    def judge(margin: Round) -> Found:
        intraday, both = rounds["intraday"], margin.before_cover
        if both is None or not margin.filled or intraday.before_cover is None:
            return "the second order did not trade"
        size = margin.entry.order.qty
        nets, after = dict(both.book.nets), dict(intraday.before_cover.book.nets)
        good = (
            nets == {Product.INTRADAY: -size, Product.MARGIN: -size}
            and after == {Product.INTRADAY: -size}
            and {row.product for row in _legs(margin)} == set(nets)
        )
        return good, f"{_nets(nets)}; after the MARGIN cover {_nets(after)}"

    return _seen(rounds.get("margin"), assumed, judge)


def _nets(nets: dict[str, int]) -> str:
    return ", ".join(f"{name} {net}" for name, net in nets.items()) or "flat"


# --- As text --------------------------------------------------------------------------


def shown(lines: tuple[Line, ...]) -> Iterator[str]:
    """Yield the table as text."""
    yield f"{'':<10}{'this software assumes':<{WIDTH}}what came"
    for line in lines:
        left = textwrap.wrap(line.assumed, WIDTH - 2)
        right = textwrap.wrap(line.came, WIDTH)
        words = zip_longest([line.agreement.value], left, right, fillvalue="")
        for mark, assumed, came in words:
            yield f"{mark:<10}{assumed:<{WIDTH}}{came}".rstrip()
