"""What the guard does by the day's clock: sums, square-off, what is carried."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import time
from decimal import Decimal

from shared.errors import Doubtful
from shared.guard.daily import carried_tonight, carried_without_stop
from shared.guard.sight import TRADING_UNTIL, WATCH_UNTIL, Sight
from shared.guard.state import Verdict
from shared.idempotency import Claim, Outgoing
from shared.models import Notice, OrderBook, Product, Severity

_LOG = logging.getLogger(__name__)

SUM_UP = time(15, 50)

ASK_FOR_SUMMARY = time(15, 0)
"""From here on a day without orders asks whether it was open at all."""

LEFT_TO_FYERS = time(15, 14)
"""IST; later FYERS's own square-off would meet ours."""

Close = Callable[[str, str, Iterable[str]], str]
"""Sends an EXIT of a ticker for a reason, of these products; says what came of it."""


class Day:
    """The day's clock in one run."""

    def __init__(self, sight: Sight, close: Close) -> None:
        self._sight = sight
        self._close = close

    def words(self) -> None:
        """Say what the day's clock asks for: nothing came, or how it went."""
        expect, now = self._sight.parts.expect_alert_by, self._sight.ist.time()
        if expect is not None and expect <= now < TRADING_UNTIL:
            self._said_of_day("expected", self._nothing_came)
        if self._sight.parts.sums_up and ASK_FOR_SUMMARY <= now < TRADING_UNTIL:
            self._sight.ask_market()
        if self._sight.parts.sums_up and now >= SUM_UP:
            self._said_of_day("summary", self._summed_up)

    def _said_of_day(self, what: str, notice_of: Callable[[], Notice | None]) -> None:
        name = f"{self._sight.ist.date()}:{what}"
        if name in self._sight.state.said:
            return
        if self._sight.ist.time() < TRADING_UNTIL:
            self._sight.ask_market()
        if self._sight.state.open_day != self._sight.ist.date():
            return
        try:
            notice = notice_of()
        except Doubtful:
            return  # the next run says it
        said = tuple(n for n in self._sight.state.said if n.startswith(name[:11]))
        self._sight.state = replace(self._sight.state, said=(*said, name))
        if notice is not None:
            self._sight.outbox.append(Outgoing(notice))

    def _nothing_came(self) -> Notice | None:
        came = self._sight.parts.store.of_day(
            self._sight.ist.date(), self._sight.deadline.within(5)
        )
        if came:
            return None
        return Notice(
            message=f"no alert has come by {self._sight.ist:%H:%M} IST today. Is the "
            "alert in TradingView still running, and its webhook address right?",
            severity=Severity.WARNING,
            event="no_alert_yet",
            at=self._sight.now,
        )

    def _summed_up(self) -> Notice | None:
        claims = [
            stored.claim
            for stored in self._sight.parts.store.of_day(
                self._sight.ist.date(), self._sight.deadline.within(5)
            )
        ]
        real = [claim for claim in claims if not claim.on_paper]
        refused = sum(claim.came_to_nothing for claim in real)
        rupees = sum((one.rupees for one in self._sight.state.realized), Decimal(0))
        open_now = sum(1 for w in self._sight.state.watches if w.seen and w.seen.net)
        parts = [
            f"{_placed(real)} placed",
            *([f"{_count(refused, 'alert')} not placed"] if refused else []),
            f"realized {rupees:.0f} rupees before charges",
            f"{_count(open_now, 'contract')} open",
        ]
        if len(real) < len(claims):
            parts.append(f"on PAPER {_placed([c for c in claims if c.on_paper])}")
        return Notice(
            message=f"the day: {', '.join(parts)}.",
            severity=Severity.INFO,
            event="summary",
            at=self._sight.now,
        )

    # --- Before FYERS squares off ---------------------------------------------------

    def square_off(self, book: OrderBook) -> None:
        """Close our INTRADAY positions in time; what is left then is FYERS's to do."""
        at = self._sight.parts.square_off_at
        opened = any(
            our.order.product is Product.INTRADAY and not our.closes
            for our in book.ours
        )
        due = at is not None and at <= self._sight.ist.time() < LEFT_TO_FYERS
        size = book.nets.get(Product.INTRADAY, 0)
        if (
            not opened
            or not size
            or self._sight.state.open_day != self._sight.ist.date()
        ):
            return
        if due:
            said = self._close(book.ticker, "square-off", (Product.INTRADAY,))
            _LOG.info("square-off of %s %s: %s", size, book.ticker, said)
        elif at is not None and LEFT_TO_FYERS <= self._sight.ist.time() <= WATCH_UNTIL:
            self._sight.once_a_day(
                f"square-off:{book.ticker}",
                f"{abs(size)} {book.ticker} INTRADAY could not be closed by "
                f"{LEFT_TO_FYERS:%H:%M}. FYERS squares it off from 15:15 for a fee of "
                "Rs 50; look that it does.",
                book.ticker,
                size,
                Verdict.SQUARE_OFF,
            )

    # --- Overnight ------------------------------------------------------------------

    def carried_evening(self, ticker: str, size: int) -> None:
        """Say what is carried tonight; `size` in contracts, signed."""
        if self._sight.state.open_day != self._sight.ist.date():
            return  # on a closed day no exits end
        text = carried_tonight(ticker, size, self._sight.ist)
        if text:
            self._sight.once_a_day(f"evening:{ticker}", text, ticker, size)

    def carried_unseen(self) -> None:
        """Say what is carried from what the store knows, without any read."""
        for watch in self._sight.state.watches:
            if watch.seen is not None and watch.seen.product == Product.MARGIN:
                self.carried_evening(watch.ticker, watch.seen.net)
        self.carried_morning()

    def carried_morning(self) -> None:
        """Say before the open what has no stop any more."""
        for watch in self._sight.state.watches:
            text = carried_without_stop(watch, self._sight.ist)
            if text and watch.seen is not None:
                net = watch.seen.net
                self._sight.once_a_day(
                    f"morning:{watch.ticker}", text, watch.ticker, net
                )


def _placed(claims: Iterable[Claim]) -> str:
    placed = [claim for claim in claims if claim.order_ids]
    closes = sum(claim.closes for claim in placed)
    entries = _count(len(placed) - closes, "entry", "entries")
    return f"{entries} and {_count(closes, 'close')}"


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else more or f'{one}s'}"
