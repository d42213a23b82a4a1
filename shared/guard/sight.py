"""What one run of the guard sees, knows from before and has to say."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta

from shared.broker import NotTaken, Unreadable, read_book
from shared.guard.account import Account
from shared.guard.ports import GuardParts
from shared.guard.state import GuardState, Verdict, Watch
from shared.idempotency import Outgoing, Stored
from shared.models import IST, PAPER, Action, Deadline, Notice, OrderBook, Severity

_LOG = logging.getLogger(__name__)

BLIND_AFTER = timedelta(minutes=3)

RECENT = timedelta(hours=1)
"""An order of ours this young is watched whatever the clock says."""

WATCH_FROM, WATCH_UNTIL = time(8, 45), time(15, 50)
TRADING_FROM, TRADING_UNTIL = time(9, 15), time(15, 40)
"""IST."""

ASK_MARKET = timedelta(minutes=5)


class Sight:
    """One run: the account as read, the ledger by contract, the state as it becomes."""

    def __init__(
        self,
        parts: GuardParts,
        account: Account,
        state: GuardState,
        ledger: tuple[Stored, ...],
        now: datetime,
        deadline: Deadline,
    ) -> None:
        self.parts = parts
        self.account = account
        self.now = now
        self.ist = now.astimezone(IST)
        self.deadline = deadline
        self.state = state.on(self.ist.date())
        self.ledger: dict[str, list[Stored]] = {}
        for stored in ledger:
            if stored.claim.ledger.startswith(PAPER) is not parts.paper:
                continue
            self.ledger.setdefault(stored.claim.ledger, []).append(stored)
        self.outbox: list[Outgoing] = []

    # --- When to look -----------------------------------------------------------------

    def due(self) -> bool:
        """Return whether anything can happen now: no FYERS call at night."""
        return WATCH_FROM <= self.ist.time() <= WATCH_UNTIL or self._recent()

    def _recent(self) -> bool:
        return any(
            (slip := stored.claim.slip) is not None and self.now - slip.sent_at < RECENT
            for group in self.ledger.values()
            for stored in group
        )

    @property
    def trading(self) -> bool:
        """Return whether an exit can be missed now."""
        hours = TRADING_FROM <= self.ist.time() <= TRADING_UNTIL
        open_day = self.ist.weekday() < 5 or self.state.open_day == self.ist.date()
        return (hours and open_day) or self._recent()

    def ask_market(self) -> None:
        """Learn whether this is an open day, at most every five minutes."""
        today, asked = self.ist.date(), self.state.market_asked_at
        known = self.state.open_day == today
        if known or (asked is not None and self.now - asked < ASK_MARKET):
            return
        self.state = replace(self.state, market_asked_at=self.now)
        try:
            turn = self.parts.broker.turn(1, self.deadline.within(5))
            if self.parts.broker.market_open(turn):
                self.state = replace(self.state, open_day=today)
        except (Unreadable, NotTaken):
            _LOG.info("whether the market is open cannot be read")

    # --- Seeing at all ----------------------------------------------------------------

    def blind(self, why: str, tickers: Iterable[str]) -> None:
        """Note that contracts cannot be checked; tell it once it has lasted."""
        since = self.state.blind_since or self.now
        self.state = replace(self.state, blind_since=since)
        if self.state.blind_told or self.now - since < BLIND_AFTER:
            return
        if not self.trading:
            return
        self.state = replace(self.state, blind_told=True)
        names = ", ".join(sorted(tickers))
        self.say(
            Verdict.BLIND,
            f"orders and positions cannot be checked since {_hm(since)} IST: {why}. "
            f"Watch {names} in the FYERS app until you hear that it works again.",
            Severity.CRITICAL,
        )

    def sees(self) -> None:
        """Note that everything can be checked; tell it where it could not be."""
        if self.state.blind_told:
            self.say(
                "sees_again",
                "orders and positions can be checked again; what is wrong follows.",
                Severity.INFO,
            )
        self.state = replace(self.state, blind_since=None, blind_told=False)

    def book(self, account: Account, ticker: str) -> OrderBook:
        """Return a contract's order book; raise `Unreadable`."""
        rows, positions = account.rows(), account.positions()
        if rows is None or positions is None:
            raise Unreadable(account.why)
        ours = tuple(
            our
            for stored in self.ledger[ticker]
            if (our := stored.claim.our_order) is not None
        )
        return read_book(ticker, self.ist.date(), ours, rows, positions)

    def keep(self, watch: Watch) -> None:
        """Take what is known of a contract now."""
        others = tuple(w for w in self.state.watches if w.ticker != watch.ticker)
        self.state = replace(self.state, watches=(*others, watch))

    # --- Saying -----------------------------------------------------------------------

    def once_a_day(
        self,
        what: str,
        text: str,
        ticker: str,
        net: int,
        verdict: Verdict = Verdict.CARRIED,
    ) -> None:
        """Tell a CRITICAL of a contract at most once on an IST day."""
        today = f"{self.ist.date()}:"
        if f"{today}{what}" in self.state.said:
            return
        said = tuple(name for name in self.state.said if name.startswith(today))
        self.state = replace(self.state, said=(*said, f"{today}{what}"))
        side = Action.BUY if net < 0 else Action.SELL
        self.say(verdict, text, Severity.CRITICAL, ticker, side, abs(net))

    def say(
        self,
        event: str,
        message: str,
        severity: Severity,
        contract: str = "",
        side: str = "",
        quantity: int | None = None,
    ) -> None:
        """Put a notice into this run's outbox."""
        notice = Notice(
            message=message,
            severity=severity,
            event=str(event),
            at=self.now,
            contract=contract,
            side=str(side),
            quantity=quantity,
        )
        self.outbox.append(Outgoing(notice))


def _hm(instant: datetime) -> str:
    return f"{instant.astimezone(IST):%H:%M}"
