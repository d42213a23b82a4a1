"""Cutting what is larger than the position, once a second read confirms it."""

from __future__ import annotations

import logging

from shared.broker import NotTaken, Unreadable
from shared.guard.account import Account
from shared.guard.sight import Sight
from shared.models import Change, OrderBook, Trim

_LOG = logging.getLogger(__name__)

SECOND_READ = 5.0
"""Seconds between the two reads that a cut needs."""


class Cutting:
    """The cuts of one run."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._second: Account | None = None

    def cut(self, book: OrderBook) -> str | None:
        """Cut what a second read confirms; return why it could not be, else empty.

        None says that the second read shows nothing to cut.
        """
        try:
            again = self._sight.book(self._confirming(), book.ticker)
            seen = {trim.row.order_id for trim in book.beyond}
            trims = [trim for trim in again.beyond if trim.row.order_id in seen]
            if not trims:
                return None
            return self._change(trims)
        except (Unreadable, NotTaken) as error:
            return f"FYERS gives no answer ({error})"

    def _confirming(self) -> Account:
        """Return the second read: one serves every contract of the run.

        FYERS's square-off leaves the exits of every short at once, and a run is over
        after 45 seconds.
        """
        if self._second is None:
            self._sight.parts.pause(SECOND_READ)
            self._second = self._sight.account.again()
        return self._second

    def _change(self, trims: list[Trim]) -> str:
        broker = self._sight.parts.broker
        gone = [trim.row.order_id for trim in trims if not trim.qty]
        less = [trim for trim in trims if trim.qty]
        calls = bool(gone) + len(less)
        turn = broker.turn(calls, self._sight.deadline.within(10))
        ended = dict(zip(gone, broker.cancel(gone, turn) if gone else (), strict=True))
        for trim in less:
            ended[trim.row.order_id] = broker.resize(trim.row, trim.qty, turn)
        _LOG.info("cut %s", ended)
        bad = [name for name, end in ended.items() if end is not Change.CONFIRMED]
        return f"FYERS did not confirm it for {', '.join(bad)}" if bad else ""
