"""The shipped code with one rule of the position taken away: each must be caught.

Each is the shipped code behind a port that lies to it in one point, or with the few
lines shown here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

from shared.broker import Broker, Turn
from shared.guard import GuardState, Risk, Verdict
from shared.idempotency import (
    ClaimAt,
    Claimed,
    Claims,
    ClaimStore,
    HeldLane,
    Lane,
    Lanes,
    LaneStore,
    Released,
    S,
    Sending,
    Stored,
    StoredAt,
)
from shared.models import (
    BookedOrder,
    Change,
    Deadline,
    Kept,
    Listing,
    Order,
    OrderResult,
    OrderStatus,
    Placed,
    Position,
    Product,
)
from tests.model.cast import RULES
from tests.model.ports import StagedState, StagedStore
from tests.model.position.cast import (
    ENTRY_TAG,
    Clock,
    Machine,
    QuotedBroker,
    attempt_of,
)
from tests.model.stage import Stage

MARKET, STOP_LIMIT = 2, 4


# --- Closing --------------------------------------------------------------------------


class _OtherBroker(Machine):
    """A machine whose deliveries see FYERS otherwise."""

    kind: type[QuotedBroker] = QuotedBroker

    def broker(self, stage: Stage, lanes: Lanes) -> Broker:
        return self.kind(stage)


class ReadsOneClose(Machine):
    """Of other closes only the one that the lane names is read from its claim."""

    def store(self, stage: Stage) -> StagedStore:
        class Narrow(StagedStore):
            def ledger(
                self, ticker: str | None, deadline: Deadline
            ) -> tuple[Stored, ...]:
                found = super().ledger(ticker, deadline)
                lane = self.lane(ticker or "", deadline).lane
                named = lane.claim if lane else ""
                return tuple(
                    one for one in found if not one.claim.closes or one.key == named
                )

        return Narrow(stage)


class GivesBackAtAcceptance(Machine):
    """The lane is given back when FYERS accepts the close; its claim is still read."""

    class Marking(Lanes):
        marked: HeldLane | None = None

        def mark(
            self,
            stored: Stored,
            claim: ClaimAt[Sending],
            held: HeldLane,
            deadline: Deadline,
        ) -> tuple[StoredAt[Sending], HeldLane]:
            done = super().mark(stored, claim, held, deadline)
            self.marked = done[1]
            return done

    def lanes(self, store: LaneStore, claims: Claims, clock: Clock) -> Lanes:
        return self.Marking(store, claims)

    def broker(self, stage: Stage, lanes: Lanes) -> Broker:
        class Releasing(QuotedBroker):
            def place(self, order: Order, turn: Turn) -> OrderResult:
                result = super().place(order, turn)
                marked = getattr(lanes, "marked", None)
                if isinstance(result, Placed) and marked is not None:
                    lanes.give_back(marked, turn.deadline)
                return result

        return Releasing(stage)


class LaneBackAtAcceptance(ReadsOneClose, GivesBackAtAcceptance):
    """The lane is given back when FYERS accepts the close."""


class _FreeLane(Machine, ABC):
    """A lane looks free to whoever reads it, under some condition."""

    @abstractmethod
    def free(self, lane: Lane, clock: Clock) -> bool:
        """Return whether the lane is said to be nobody's."""

    def lanes(self, store: LaneStore, claims: Claims, clock: Clock) -> Lanes:
        free = self.free

        class Freeing(Lanes):
            def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
                held = super().lane(ticker, deadline)
                if held.lane is not None and free(held.lane, clock):
                    return replace(held, lane=None)
                return held

        return Freeing(store, claims)


class FreeAfterUnknown(_FreeLane):
    """The lane is free 4 s after a close was sent, whatever came of it."""

    def free(self, lane: Lane, clock: Clock) -> bool:
        sent = lane.send_by is not None
        return sent and clock() >= lane.taken_at + timedelta(seconds=RULES.lease)


class FreeByTime(_FreeLane):
    """A lane is taken over once it is 4 s old, whoever holds it."""

    def free(self, lane: Lane, clock: Clock) -> bool:
        return clock() >= lane.taken_at + timedelta(seconds=RULES.lease)


class LaneBackAfterUnknown(ReadsOneClose, FreeAfterUnknown):
    """The lane is given back 4 s after an unknown outcome."""


class LaneByTime(ReadsOneClose, FreeByTime):
    """A lane is taken over by time alone."""


class HandOrdersCover(_OtherBroker):
    """A hand-placed BUY that rests counts as a cover."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            book = super().order_book(turn)
            return Listing(tuple(_at_market(row) for row in book.rows))


class CutsAtAcceptance(Machine):
    """The exits of a short go when its cover is accepted."""

    def broker(self, stage: Stage, lanes: Lanes) -> Broker:
        class Cutting(QuotedBroker):
            def place(self, order: Order, turn: Turn) -> OrderResult:
                result = super().place(order, turn)
                if isinstance(result, Placed):
                    rows = self.order_book(turn).rows
                    legs = [row for row in rows if row.parent_id and row.remaining]
                    self.cancel([row.order_id for row in legs], turn)
                return result

        return Cutting(stage)


class BelievesPositions(_OtherBroker):
    """Positions are believed though they lag: no fill of the book corrects them."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def positions(self, turn: Turn) -> Listing[Position]:
            rows = super().positions(turn).rows
            return Listing(
                tuple(replace(row, day_bought=10**6, day_sold=10**6) for row in rows)
            )


class BelievesOwnFills(_OtherBroker):
    """Only fills of our own orders correct the positions."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            return Listing(
                tuple(_unfilled(row) for row in super().order_book(turn).rows)
            )


class EntryIsLeft(_OtherBroker):
    """An entry that works is not cancelled before its position is closed."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            return Listing(tuple(_over(row) for row in super().order_book(turn).rows))


class CancelsWithoutReading(_OtherBroker):
    """After an entry was cancelled the quantity is decided by what was read before."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def __init__(self, stage: Stage) -> None:
            super().__init__(stage)
            self._rows: Listing[BookedOrder] | None = None
            self._positions: Listing[Position] | None = None
            self._cancelled = False

        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            if self._cancelled and self._rows is not None:
                return Listing(tuple(_over(row) for row in self._rows.rows))
            self._rows = super().order_book(turn)
            return self._rows

        def positions(self, turn: Turn) -> Listing[Position]:
            if self._cancelled and self._positions is not None:
                return self._positions
            self._positions = super().positions(turn)
            return self._positions

        def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
            ended = super().cancel(order_ids, turn)
            self._cancelled = True
            return ended


class ExitsAreLeft(_OtherBroker):
    """A long is sold while its exits still work."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            rows = super().order_book(turn).rows
            return Listing(tuple(_gone(row) if row.parent_id else row for row in rows))


class CancelsUnconfirmed(_OtherBroker):
    """Exits of a long that FYERS said to cancel count as gone."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def __init__(self, stage: Stage) -> None:
            super().__init__(stage)
            self._cancelled: set[str] = set()

        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            gone, rows = self._cancelled, super().order_book(turn).rows
            return Listing(
                tuple(_gone(row) if row.order_id in gone else row for row in rows)
            )

        def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
            ended = super().cancel(order_ids, turn)
            said = zip(order_ids, ended, strict=True)
            self._cancelled |= {one for one, end in said if end is Change.CONFIRMED}
            return ended


class ConversionsLag(_OtherBroker):
    """Each product's trades are compared for themselves: a conversion is a lag."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def positions(self, turn: Turn) -> Listing[Position]:
            rows = super().positions(turn).rows
            return Listing(
                tuple(
                    replace(row, day_bought=0, day_sold=0)
                    if row.product == Product.MARGIN
                    else row
                    for row in rows
                )
            )


class OnlyTodayCounts(_OtherBroker):
    """What was carried overnight is not open."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def positions(self, turn: Turn) -> Listing[Position]:
            rows = super().positions(turn).rows
            return Listing(
                tuple(replace(row, net_qty=row.net_qty - row.carried) for row in rows)
            )


class KnowsTheFirstSlice(_OtherBroker):
    """Of the ids of a sliced order only the first is kept."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def place(self, order: Order, turn: Turn) -> OrderResult:
            result = super().place(order, turn)
            return replace(result, slices=()) if isinstance(result, Placed) else result


class _Unlocked(StagedStore):
    """Marks whatever lane there is now."""

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        now = self.lane(held.ticker, deadline)
        return super().mark(stored, claim, now, lane, deadline)


class Unlocked(Machine):
    """SENDING is not held to the lane: whoever owns the claim may send."""

    def store(self, stage: Stage) -> StagedStore:
        return _Unlocked(stage)


class MovesNoClaim(Machine):
    """A lane is taken over while its holder's claim is left as it is."""

    def claims(self, store: ClaimStore, clock: Clock, name: str) -> Claims:
        class Leaving(Claims):
            def write(
                self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
            ) -> StoredAt[S]:
                if isinstance(claim.at, Released) and "died" in claim.reason:
                    return cast("StoredAt[S]", stored)  # not what it says it wrote
                return super().write(stored, claim, deadline)

        return Leaving(store, clock, lambda: attempt_of(name), RULES)


class LeavesTheHoldersClaim(Unlocked, MovesNoClaim):
    """A lane is taken over while its holder may still send."""


class TrustsTheName(Machine):
    """A resend whose claim the lane already names does not write it anew."""

    def lanes(self, store: LaneStore, claims: Claims, clock: Clock) -> Lanes:
        class Trusting(Lanes):
            def take(
                self,
                found: HeldLane,
                lane: Lane,
                stored: StoredAt[Claimed],
                deadline: Deadline,
            ) -> tuple[HeldLane, StoredAt[Claimed]]:
                if found.lane is not None and found.lane.claim == stored.key:
                    return found, stored
                return super().take(found, lane, stored, deadline)

        return Trusting(store, claims)


class TrustsTheLanesName(Unlocked, TrustsTheName):
    """A resend trusts the lane that names its claim, whoever takes it meanwhile."""


# --- The guard ------------------------------------------------------------------------


class _OtherGuard(Machine):
    """A machine whose guard sees FYERS otherwise."""

    kind: type[QuotedBroker] = QuotedBroker

    def guard_broker(self, stage: Stage) -> Broker:
        return self.kind(stage)


class EndsAtTheFirstLeg(_OtherGuard):
    """The guard ends with a contract once one of its exits has traded."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        traded = False

        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            book = super().order_book(turn)
            self.traded = any(row.parent_id and row.filled for row in book.rows)
            return Listing(()) if self.traded else book

        def positions(self, turn: Turn) -> Listing[Position]:
            return Listing(()) if self.traded else super().positions(turn)


class CutsOnOneRead(_OtherGuard):
    """What one read shows to be too large is cut."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def __init__(self, stage: Stage) -> None:
            super().__init__(stage)
            self._rows: Listing[BookedOrder] | None = None
            self._positions: Listing[Position] | None = None

        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            self._rows = self._rows or super().order_book(turn)
            return self._rows

        def positions(self, turn: Turn) -> Listing[Position]:
            self._positions = self._positions or super().positions(turn)
            return self._positions


class HandOrdersProtect(_OtherGuard):
    """A hand-placed BUY limit counts as a stop."""

    class kind(QuotedBroker):  # noqa: N801  # a part of its machine
        def order_book(self, turn: Turn) -> Listing[BookedOrder]:
            rows = super().order_book(turn).rows
            return Listing(
                tuple(
                    replace(row, order_type=STOP_LIMIT) if _by_hand(row) else row
                    for row in rows
                )
            )


class _OtherMemory(Machine, ABC):
    """A guard that writes less than it found."""

    @abstractmethod
    def keeps(self, risk: Risk, before: GuardState | None, cut: bool) -> bool:
        """Return whether a risk that the run found is written."""

    def guard_broker(self, stage: Stage) -> Broker:
        return _Noting(stage)

    def told(self, stage: Stage, broker: Broker) -> Kept[GuardState]:
        keeps = self.keeps
        noting = broker if isinstance(broker, _Noting) else _Noting(stage)

        class Forgetting(StagedState):
            before: GuardState | None = None

            def read(self, deadline: Deadline) -> tuple[GuardState | None, str | None]:
                found = super().read(deadline)
                self.before = found[0]
                return found

            def write(
                self, value: GuardState, version: str | None, deadline: Deadline
            ) -> str:
                watches = tuple(
                    replace(
                        watch,
                        risks=tuple(
                            risk
                            for risk in watch.risks
                            if keeps(risk, self.before, noting.cut)
                        ),
                    )
                    for watch in value.watches
                )
                return super().write(replace(value, watches=watches), version, deadline)

        return Forgetting(stage)


class _Noting(QuotedBroker):
    """Remembers that a cut was accepted."""

    cut = False

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        ended = super().cancel(order_ids, turn)
        self.cut = self.cut or Change.CONFIRMED in ended
        return ended

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        ended = super().resize(order, qty, turn)
        self.cut = self.cut or ended is Change.CONFIRMED
        return ended


class IgnoresTheOtherSign(_OtherMemory):
    """A position nobody asked for is nothing to tell."""

    def keeps(self, risk: Risk, before: GuardState | None, cut: bool) -> bool:
        return risk.verdict is not Verdict.UNEXPECTED_POSITION


class AcceptedCutEnds(_OtherMemory):
    """A cut that was accepted is the end of what was told."""

    def keeps(self, risk: Risk, before: GuardState | None, cut: bool) -> bool:
        return not (cut and risk.verdict is Verdict.EXITS_BEYOND)


class EndsOnHalfABook(_OtherMemory):
    """What was told ends on a book that lacks an order of ours."""

    def keeps(self, risk: Risk, before: GuardState | None, cut: bool) -> bool:
        old = (
            [known for watch in before.watches for known in watch.risks]
            if before
            else []
        )
        return risk not in old  # one that this run has seen counts one run more


# --- Rows -----------------------------------------------------------------------------


def _by_hand(row: BookedOrder) -> bool:
    return not row.tag and row.parent_id is None


def _at_market(row: BookedOrder) -> BookedOrder:
    return replace(row, order_type=MARKET) if _by_hand(row) else row


def _unfilled(row: BookedOrder) -> BookedOrder:
    ours = row.tag and row.parent_id is None
    return row if ours else replace(row, qty=row.remaining, filled=0)


def _over(row: BookedOrder) -> BookedOrder:
    """Return a working entry as if it had been cancelled."""
    return _gone(row) if row.tag == ENTRY_TAG and not row.parent_id else row


def _gone(row: BookedOrder) -> BookedOrder:
    """Return a working order as if it had been cancelled."""
    return replace(row, status=OrderStatus.CANCELLED) if row.remaining else row
