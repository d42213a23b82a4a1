"""What a rehearsal does: short positions of its own, each opened, looked at and closed.

Whatever happens after the first SELL, the way out is the same: what is open is closed
through the webhook, then the account is read once more and said as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import time
from typing import NoReturn

from local.rehearsing.asking import Answer, Fyers, Webhook
from local.rehearsing.seen import (
    Look,
    Played,
    Round,
    entry_of,
    exits_differ,
    known,
    left_words,
    working,
)
from shared.broker import NotTaken, Unreadable, read_book
from shared.guard import Verdict, Watch, verdicts
from shared.models import (
    IST,
    Action,
    OrderBook,
    Product,
)

SQUARE_OFF = time(15, 15)
"""IST; FYERS closes INTRADAY positions from here on."""

LATE_BEGINS = time(14, 45)
"""IST; a short is not held for longer than this to be covered after 15:15."""

EXITS, TIGHT = 15, 1
"""Distances of stop and target, percent of the price: far away, and soon reached."""

RESENDS = 3
"""As TradingView repeats what was answered with a 5xx."""


class Stop(Exception):
    """The rehearsal does not go on; the text says why to the owner."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the owner asked for."""

    symbol: str = "NIFTY"
    lots: int = 1
    late: bool = False
    """Cover after 15:15."""
    products: bool = False
    """INTRADAY and MARGIN side by side."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long something may take to be seen, seconds."""

    seen: float = 30.0
    """A fill with its exits, a flat position."""
    leg: float = 120.0
    """A tight exit that the market itself reaches."""
    sibling: float = 10.0
    """The end of the other exit after one has traded."""
    between: float = 15.0
    """Two looks while nothing is expected soon."""
    glance: float = 0.2
    """Two looks while something is expected any moment."""


@dataclass
class Course:
    """The way of one rehearsal."""

    webhook: Webhook
    fyers: Fyers
    plan: Plan
    waits: Waits
    pause: Callable[[float], None]
    say: Callable[[str], None]
    sent: bool = False
    """A SELL has left: something may be open."""
    unclear: str = ""
    """Why nothing is known of a SELL, in words; empty where something is."""
    played: Played = field(default_factory=Played)

    # --- The whole ------------------------------------------------------------------

    def play(self) -> Played:
        """Go through it all; an interruption ends it as a failure does."""
        played = self.played
        try:
            self._ready()
            self._rounds()
        except Stop as stop:
            played.stopped = str(stop)
        except (NotTaken, Unreadable) as error:
            played.stopped = f"FYERS could not be read: {error}."
        except KeyboardInterrupt:
            played.stopped = "It was interrupted."
        except Exception as error:  # whatever it is: what is open must be closed
            played.stopped = f"The rehearsal itself failed: {type(error).__name__}."
        if self.sent:
            self._end()
        return played

    def _ready(self) -> None:
        """Raise `Stop` unless a table made now could be told from what was before."""
        now = self.fyers.clock().astimezone(IST).time()
        if self.plan.late and not LATE_BEGINS <= now < SQUARE_OFF:
            raise Stop("--late is begun between 14:45 and 15:14 IST.")
        if not self.fyers.market_open():
            raise Stop("The market is closed. Come back when it is open.")
        if found := self._contracts():
            names = ", ".join(book.ticker for book in found)
            raise Stop(
                f"{names}: a position is open or an order works there. What "
                "is yours could not be told from what is rehearsed: begin when "
                f"{self.plan.symbol} is flat."
            )

    def _rounds(self) -> None:
        first = self._open("wide", Product.INTRADAY, EXITS)
        if self.plan.late:
            self._wait_until_late(first)
        if not first.done:
            self._cover(first)
        if self.plan.late or not (first.filled and first.done) or exits_differ(first):
            return  # no second short where the first one's exits are not as they should
        self._until_a_leg_trades(self._open("tight", Product.INTRADAY, TIGHT))
        if self.plan.products:
            self._both_products()

    # --- One position ---------------------------------------------------------------

    def _open(
        self, name: str, product: Product, percent: int, at: Round | None = None
    ) -> Round:
        """Sell, and look until the fill, its exits and its position are seen.

        `at` is a round whose contract is meant. Raises `Stop` where there is no order.
        """
        where = self._named(at) if at else {"strikeprice": "ATM", "expiry": "WEEKLY"}
        alert = {
            **self._alert("SELL", name, product),
            **where,
            "lots": self.plan.lots if name == "wide" else 1,
            "slPercent": percent,
            "tpPercent": percent,
        }
        sent_at = self.fyers.clock()
        self.sent, self.unclear = True, "The SELL was cut off before its answer came"
        reply = self.webhook.deliver(alert, RESENDS)
        self.unclear = ""
        entry = entry_of(reply, product, sent_at)
        if entry is None:
            self._not_placed(reply)
        played = Round(name, product, entry, str(reply.body.get("expiry", "")))
        if not reply.body.get("paper"):
            self.played.rounds.append(played)
        order = entry.order
        ids = ", ".join(entry.order_ids)
        self.say(f"SELL {order.qty} {order.ticker} {product} placed as {ids}")
        if reply.body.get("paper"):
            self._deliver_close({**self._named(played), "paper": True}, played)
            self.sent = False
            raise Stop("PAPER is on: nothing real was ordered. Turn it off first.")
        self._watch(played, lambda look: self._all_there(played, look), self.waits.seen)
        played.before_cover = played.looks[-1]
        return played

    def _not_placed(self, reply: Answer) -> NoReturn:
        """Raise `Stop` for a SELL without an id; a 4xx but 409 says it never was."""
        if not 400 <= reply.status < 500 or reply.status == 409:
            self.unclear = f"The SELL was answered {reply.words}"
            raise Stop(f"Nobody knows what became of the SELL: {reply.words}.")
        self.sent = bool(self.played.rounds)
        raise Stop(f"The webhook did not place the SELL: {reply.words}.")

    def _all_there(self, played: Round, look: Look) -> bool:
        book = look.book
        rows = book.rows_of(played.entry)
        if rows and not any(row.remaining for row in rows) and not played.filled:
            return True  # rejected or cancelled: nothing more will come
        shown = -sum(p.net_qty for p in book.positions if p.product == played.product)
        exits = not any(
            found.verdict is Verdict.EXITS_MISSING
            for found in verdicts.judge(book, Watch(book.ticker), self.fyers.clock())
        )
        return played.filled and exits and shown == played.entry.order.qty

    def _cover(self, played: Round) -> None:
        """Close it through the webhook: by BUY and, if that does not do, by EXIT."""
        played.covered_at = self.fyers.clock()
        for action in ("BUY", "EXIT"):
            where = self._named(played)
            if action == "BUY":
                where["qty"] = played.entry.order.qty
            self._deliver_close(where, played, action)
            self._watch(played, lambda _: played.done, self.waits.seen)
            if played.done:
                return

    def _deliver_close(
        self, where: Mapping[str, object], played: Round, action: str = "BUY"
    ) -> None:
        alert = {**self._alert(action, played.name, played.product), **where}
        reply = self.webhook.deliver(alert, RESENDS)
        played.covers.append(reply)
        self.say(f"{action}: {reply.words}")

    def _wait_until_late(self, played: Round) -> None:
        self.say("Waiting until 15:15:30 IST with the short open; Ctrl-C covers now.")
        due = self.fyers.clock().astimezone(IST).replace(hour=15, minute=15, second=30)
        seconds = (due - self.fyers.clock()).total_seconds()
        self._watch(
            played,
            lambda look: not look.book.open(Action.BUY, played.product),
            seconds,
            self.waits.between,
        )

    def _until_a_leg_trades(self, played: Round) -> None:
        """Wait for the market to reach a tight exit, then for the other one to end."""
        self.say(f"Waiting up to {self.waits.leg:.0f} s for the stop or the target.")

        def traded(look: Look) -> bool:
            return any(row.filled for row in look.book.exit_rows(played.entry))

        self._watch(played, traded, self.waits.leg, self.waits.between / 3)
        if traded(played.looks[-1]):
            played.leg_traded = played.looks[-1]
            self._watch(
                played,
                lambda look: (
                    not any(row.remaining for row in look.book.exit_rows(played.entry))
                ),
                self.waits.sibling,
            )
        if not played.done:
            self._cover(played)

    def _both_products(self) -> None:
        first = self._open("intraday", Product.INTRADAY, EXITS)
        second = self._open("margin", Product.MARGIN, EXITS, first)
        self._cover(second)
        self._watch(first, lambda _: True, self.waits.seen)
        first.before_cover = first.looks[-1]
        self._cover(first)

    # --- Words of alerts ------------------------------------------------------------

    def _alert(self, action: str, name: str, product: Product) -> dict[str, object]:
        at = self.fyers.clock().astimezone(IST)
        return {
            "action": action,
            "symbol": self.plan.symbol,
            "optionType": "CE",
            "productType": str(product),
            "strategy": f"rehearsal {name}",
            "time": at.isoformat(timespec="seconds"),
        }

    def _named(self, played: Round) -> dict[str, object]:
        """Return the words that name a round's contract and no other."""
        ticker = played.entry.order.ticker.partition(":")[2]
        strike = re.fullmatch(
            rf"{re.escape(self.plan.symbol)}.{{5}}(\d+(?:\.\d+)?)[CP]E", ticker
        )
        if strike is None:  # the one open contract of ours that fits
            return {"strikeprice": "ATM", "expiry": "WEEKLY"}
        return {"strikeprice": strike[1], "expiry": played.expiry}

    # --- Looking --------------------------------------------------------------------

    def _watch(
        self,
        played: Round,
        seen: Callable[[Look], bool],
        seconds: float,
        between: float = 0.0,
    ) -> None:
        """Look until it is `seen` or the seconds are over; once at least.

        A look that fails is repeated; raises `Unreadable` if none succeeded.
        """
        end, failed = self.fyers.now() + seconds, None
        while True:
            try:
                look = self._look(played)
            except Unreadable as error:
                failed = error
            else:
                failed = None
                played.looks.append(look)
                if seen(look):
                    return
            if self.fyers.now() >= end:
                break
            self.pause(between or self.waits.glance)
        if failed is not None:
            raise failed

    def _look(self, played: Round) -> Look:
        rows = self.fyers.orders()
        rows_at = self.fyers.now()
        positions = self.fyers.positions()
        positions_at = self.fyers.now()
        played.entry = known(played.entry, rows)
        ours = [each.entry for each in self.played.rounds]
        ticker = played.entry.order.ticker
        today = self.fyers.clock().astimezone(IST).date()
        book = read_book(ticker, today, ours, rows, positions)
        return Look(book, rows_at, positions_at)

    def _contracts(self) -> tuple[OrderBook, ...]:
        """Return the contracts of the symbol where something is open or works."""
        rows, positions = self.fyers.orders(), self.fyers.positions()
        for each in self.played.rounds:
            each.entry = known(each.entry, rows)
        ours = [each.entry for each in self.played.rounds]
        today = self.fyers.clock().astimezone(IST).date()
        found = {row.ticker for row in rows.rows} | {p.ticker for p in positions.rows}
        books = (
            read_book(ticker, today, ours, rows, positions)
            for ticker in sorted(found | rows.broken | positions.broken)
            if ticker.partition(":")[2].startswith(self.plan.symbol)
        )
        return tuple(book for book in books if book.nets or working(book))

    # --- The way out ----------------------------------------------------------------

    def _end(self) -> None:
        """Close what is open and say how the account stands; never in silence."""
        played = self.played
        try:
            left = self._closed()
        except (NotTaken, Unreadable) as error:
            why = f"FYERS could not be read at the end ({error})"
        except KeyboardInterrupt:
            why = "It was interrupted while it closed"
        except Exception as error:  # never in silence
            why = f"The rehearsal itself failed ({type(error).__name__})"
        else:
            played.ending = tuple(
                text for book in left for text in left_words(book, self.fyers.clock())
            )
            if not played.ending and not self.unclear:
                played.ending = (
                    f"Nothing of {self.plan.symbol} is open or works at FYERS.",
                )
                return
            why = self.unclear
        played.safe = False
        if why:
            what = f"{self.plan.lots} lot(s) of {self.plan.symbol}"
            played.ending += (
                f"{why}: a short of {what} MAY BE OPEN or turn up within minutes. Look "
                "at positions and orders in the FYERS app now and close what is there.",
            )

    def _closed(self) -> tuple[OrderBook, ...]:
        """Close what is left of each round, then all of the symbol; return the rest."""
        for played in self.played.rounds:
            if not played.done:
                with suppress(NotTaken, Unreadable):  # the others must go out, too
                    self._cover(played)
        left = self._settled()
        if self.unclear or any(book.nets for book in left):
            exit_all = {
                "action": "EXIT",
                "symbol": self.plan.symbol,
                "strategy": "rehearsal end",
                "time": self.fyers.clock().isoformat(timespec="seconds"),
            }
            self.say(f"EXIT: {self.webhook.deliver(exit_all, RESENDS).words}")
            left = self._settled()
        return left

    def _settled(self) -> tuple[OrderBook, ...]:
        """Return what is left once nothing is, or when its time is over."""
        end, failed = self.fyers.now() + self.waits.seen, None
        while True:
            try:
                failed, left = None, self._contracts()
            except Unreadable as error:
                failed, left = error, ()
            if self.fyers.now() >= end or not (left or failed):
                break
            self.pause(self.waits.between / 5)
        if failed is not None:
            raise failed
        return left
