"""The ledger: which claims the guard still watches, and how their orders ended."""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal

from shared.errors import Conflict, Doubtful
from shared.guard.daily import expired
from shared.guard.sight import Sight
from shared.idempotency import Stored, Story
from shared.models import Flight, OrderBook

_LOG = logging.getLogger(__name__)


class Ledger:
    """What leaves the ledger in one run; each claim takes its story along."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight

    def forget(self, ticker: str, book: OrderBook) -> None:
        """Take out of the ledger what is flat and quiet and cannot come back."""
        if any(
            book.in_flight(self._sight.now, closes=closes) for closes in (False, True)
        ):
            return
        ended = []
        for stored in self._sight.ledger[ticker]:
            our = stored.claim.our_order
            if our is not None and our.day == book.today:
                if our.flight is not Flight.ACCEPTED:
                    continue  # believed absent: it may turn up until the day is over
                if not book.rows_of(our):
                    continue
            ended.append(stored)
        # Its rupees stand once: on its first entry, else on what closed it.
        ended.sort(key=lambda stored: stored.claim.closes)
        rupees = self._to_journal(ticker) if ended else None
        for stored in ended:
            story = self._story(stored, book, rupees)
            self._strike(stored, story)
            rupees = None if story is not None else rupees

    def forget_dead(self, ticker: str, book: OrderBook) -> None:
        """Take out entries that ended without a fill beside what is open.

        Nothing can come of them any more, and they would hold a lot of MAX_OPEN_LOTS.
        """
        for stored in self._sight.ledger[ticker]:
            our = stored.claim.our_order
            rows = book.rows_of(our) if our is not None else ()
            dead = rows and not any(row.filled or row.remaining for row in rows)
            if dead and our is not None and not our.closes:
                self._strike(stored, self._story(stored, book, None))

    def realize(self, book: OrderBook) -> None:
        """Note what the contract has brought in today, as positions show it."""
        if not book.positions:
            return
        rupees = sum((row.realized for row in book.positions), Decimal(0))
        rupees = rupees.quantize(Decimal("0.01"))  # FYERS sends a number
        known = self._sight.state.realized_of(book.ticker)
        self._sight.state = self._sight.state.realizing(replace(known, rupees=rupees))

    def _to_journal(self, ticker: str) -> Decimal:
        """Return the rupees of a contract that no story tells of yet."""
        known = self._sight.state.realized_of(ticker)
        self._sight.state = self._sight.state.realizing(
            replace(known, in_journal=known.rupees)
        )
        return known.rupees - known.in_journal

    def _story(
        self, stored: Stored, book: OrderBook, rupees: Decimal | None
    ) -> Story | None:
        """Return how a claim's order ended, None where nobody can tell."""
        our = stored.claim.our_order
        rows = book.rows_of(our) if our is not None else ()
        if our is None or (not rows and our.day == book.today):
            return None
        filled = sum(row.filled for row in rows)
        if not rows:  # an earlier day's is in no book now
            if our.flight is Flight.OPEN:
                return None
            filled = our.order.qty if our.flight is Flight.ACCEPTED else 0
        paid = sum((row.traded_price * row.filled for row in rows), Decimal(0))
        return Story(
            filled=filled,
            price=(paid / filled).quantize(Decimal("0.01")) if paid else None,
            ended_at=self._sight.now,
            rupees=rupees,
        )

    def _strike(self, stored: Stored, story: Story | None = None) -> None:
        try:
            forgotten = self._sight.parts.claims.forgotten(stored.claim, story)
            self._sight.parts.claims.write(
                stored, forgotten, self._sight.deadline.within(5)
            )
        except (Conflict, Doubtful):
            _LOG.info("a claim stays in the ledger until the next run")

    def drop_expired(self) -> None:
        """Take out the contracts past their expiry."""
        for ticker, group in list(self._sight.ledger.items()):
            if expired(group, self._sight.ist.date()):
                for stored in group:
                    self._strike(stored)
                del self._sight.ledger[ticker]
        kept = tuple(
            w for w in self._sight.state.watches if w.ticker in self._sight.ledger
        )
        self._sight.state = replace(self._sight.state, watches=kept)
