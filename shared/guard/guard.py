"""The guard: once a minute, every contract our orders touched is safe or told.

One read of the account and one table of verdicts. What was told stands in
`guard/state`, written with the notices it makes, so that a crash repeats a notice and
never loses one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from shared.broker import Broker, NotTaken, Unreadable, read_book
from shared.errors import Conflict, Doubtful, Unavailable
from shared.guard.account import Account
from shared.guard.daily import carried_tonight, carried_without_stop, expired
from shared.guard.state import GuardState, Risk, Verdict, Watch
from shared.guard.verdicts import Finding, checkable, judge, see
from shared.idempotency import Claim, Claims, ClaimStore, Outgoing, Stored, Story
from shared.models import (
    IST,
    PAPER,
    Action,
    Change,
    Clock,
    Contract,
    Deadline,
    Flight,
    Kept,
    Notice,
    OrderBook,
    Product,
    Severity,
    Trim,
)
from shared.notifications import Notifier

_LOG = logging.getLogger(__name__)

AGAIN_FIRST = timedelta(minutes=15)
AGAIN_LATER = timedelta(hours=1)
"""When an open risk is told again."""

BLIND_AFTER = timedelta(minutes=3)

RECENT = timedelta(hours=1)
"""An order of ours this young is watched whatever the clock says."""

WATCH_FROM, WATCH_UNTIL = time(8, 45), time(15, 50)
TRADING_FROM, TRADING_UNTIL = time(9, 15), time(15, 40)
"""IST."""

SUM_UP = time(15, 50)

ASK_FOR_SUMMARY = time(15, 0)
"""From here on a day without orders asks whether it was open at all."""

LEFT_TO_FYERS = time(15, 14)
"""IST; later FYERS's own square-off would meet ours."""

SECOND_READ = 5.0
"""Seconds between the two reads that a cut needs."""

ASK_MARKET = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Hands:
    """What the guard may do besides telling."""

    pause_entries: Callable[[str, Deadline], bool]
    """Stop new entries until the owner resumes them; the reason is for people. Says
    whether they are stopped."""
    close: Callable[[Contract, str, str, Deadline], str]
    """Close contract and product under a claim named by a key; says what came of it."""
    confirm_places: Callable[[Deadline], None]
    """Let the entry control drop the places of entries that died."""


@dataclass(frozen=True, slots=True)
class GuardSummary:
    """What the guard saw, in numbers."""

    contracts: int = 0
    risks: int = 0
    told: int = 0
    blind: bool = False


@dataclass(frozen=True, slots=True)
class GuardParts:
    """The concrete things behind the guard, made by wiring."""

    store: ClaimStore
    claims: Claims
    broker: Broker
    notifier: Notifier
    state: Kept[GuardState]
    hands: Hands
    clock: Clock
    pause: Callable[[float], None]
    channels: tuple[str, ...] = ()
    """Names of the owner's channels, for readyz and the desk."""
    paper: bool = False
    """It guards the paper account."""
    tells_orders: bool = False
    """NOTIFY_ORDERS: filled orders are told too."""
    sums_up: bool = False
    """SUMMARY: one line at 15:50 of an open day."""
    expect_alert_by: time | None = None
    """IST; no alert by then on an open day is told."""
    closes_missing: bool = False
    """ON_MISSING_STOP=close: a position without a stop is closed."""
    square_off_at: time | None = None
    """IST; from here on our INTRADAY positions are closed, before FYERS does it."""


class Guard:
    """The use case behind the second half of reconcile."""

    def __init__(self, parts: GuardParts) -> None:
        self._parts = parts

    def run(self, account: Account, deadline: Deadline) -> GuardSummary:
        """Look at every contract of the ledger once; raise `Unavailable`."""
        now = self._parts.clock()
        try:
            old, version = self._parts.state.read(deadline.within(10))
            ledger = self._parts.store.ledger(None, deadline.within(10))
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None
        old = old or GuardState(ran_at=now)
        work = _Run(self._parts, account, old, ledger, now, deadline)
        work.look()
        self._parts.hands.confirm_places(deadline.within(10))
        state = replace(
            work.state,
            ran_at=now,
            channels=self._parts.channels,
            outbox=(*old.outbox, *work.outbox),
        )
        try:
            version = self._parts.state.write(state, version, deadline.within(10))
        except Conflict:
            _LOG.info("another run was faster; what it saw stands")
            return GuardSummary()
        except Doubtful:
            raise Unavailable("the claim store gives no answer") from None
        self._deliver(state, version, deadline)
        return GuardSummary(
            len(state.watches),
            sum(len(watch.risks) for watch in state.watches),
            len(work.outbox),
            state.blind_told,
        )

    def _deliver(self, state: GuardState, version: str, deadline: Deadline) -> None:
        """Send what the run made and strike it out; what fails is sent next time."""
        if not state.outbox:
            return
        left = []
        for item in state.outbox:
            failed = self._parts.notifier.send(
                item.notice, deadline.within(5), item.left
            )
            if failed and self._parts.clock() - item.notice.at < timedelta(days=1):
                left.append(Outgoing(item.notice, failed))
        try:
            state = replace(state, outbox=tuple(left))
            self._parts.state.write(state, version, deadline.within(10))
        except (Conflict, Doubtful):
            _LOG.warning("notices were sent but not marked; they may come twice")


class _Run:
    """One run: what it found, did and has to say."""

    def __init__(
        self,
        parts: GuardParts,
        account: Account,
        state: GuardState,
        ledger: tuple[Stored, ...],
        now: datetime,
        deadline: Deadline,
    ) -> None:
        self._parts = parts
        self._account = account
        self._now = now
        self._ist = now.astimezone(IST)
        self.state = state.on(self._ist.date())
        self._deadline = deadline
        self._ledger: dict[str, list[Stored]] = {}
        for stored in ledger:
            if stored.claim.ledger.startswith(PAPER) is not parts.paper:
                continue
            self._ledger.setdefault(stored.claim.ledger, []).append(stored)
        self._second: Account | None = None
        self.outbox: list[Outgoing] = []

    def look(self) -> None:
        """Judge every contract of the ledger."""
        watches = tuple(self.state.watch(ticker) for ticker in self._ledger)
        self.state = replace(self.state, watches=watches)
        self._drop_expired()
        self._day()
        if not self._ledger:
            self.state = replace(self.state, blind_since=None, blind_told=False)
            return
        if not self._due():
            if not self.state.blind_told:
                self.state = replace(self.state, blind_since=None)
            self._carried_morning()
            return
        self._ask_market()
        rows, positions = self._account.rows(), self._account.positions()
        if rows is None or positions is None:
            self._blind(self._account.why, self._ledger)
            self._carried_unseen()
            return
        broken = (rows.broken | positions.broken) & set(self._ledger)
        if broken:
            self._blind("FYERS sends a row that cannot be read", broken)
        else:
            self._sees()
        for ticker in list(self._ledger):
            if ticker not in broken:
                self._contract(ticker)
        self._carried_morning()

    # --- When to look ---------------------------------------------------------------

    def _due(self) -> bool:
        """Return whether anything can happen now: no FYERS call at night."""
        return WATCH_FROM <= self._ist.time() <= WATCH_UNTIL or self._recent()

    def _recent(self) -> bool:
        return any(
            stored.claim.sending is not None
            and self._now - stored.claim.sending.sent_at < RECENT
            for group in self._ledger.values()
            for stored in group
        )

    @property
    def _trading(self) -> bool:
        """Return whether an exit can be missed now."""
        hours = TRADING_FROM <= self._ist.time() <= TRADING_UNTIL
        open_day = self._ist.weekday() < 5 or self.state.open_day == self._ist.date()
        return (hours and open_day) or self._recent()

    def _ask_market(self) -> None:
        today, asked = self._ist.date(), self.state.market_asked_at
        known = self.state.open_day == today
        if known or (asked is not None and self._now - asked < ASK_MARKET):
            return
        self.state = replace(self.state, market_asked_at=self._now)
        try:
            turn = self._parts.broker.turn(1, self._deadline.within(5))
            if self._parts.broker.market_open(turn):
                self.state = replace(self.state, open_day=today)
        except (Unreadable, NotTaken):
            _LOG.info("whether the market is open cannot be read")

    # --- Seeing at all --------------------------------------------------------------

    def _blind(self, why: str, tickers: Iterable[str]) -> None:
        since = self.state.blind_since or self._now
        self.state = replace(self.state, blind_since=since)
        if self.state.blind_told or self._now - since < BLIND_AFTER:
            return
        if not self._trading:
            return
        self.state = replace(self.state, blind_told=True)
        names = ", ".join(sorted(tickers))
        self._say(
            Verdict.BLIND,
            f"orders and positions cannot be checked since {_hm(since)} IST: {why}. "
            f"Watch {names} in the FYERS app until you hear that it works again.",
            Severity.CRITICAL,
        )

    def _sees(self) -> None:
        if self.state.blind_told:
            self._say(
                "sees_again",
                "orders and positions can be checked again; what is wrong follows.",
                Severity.INFO,
            )
        self.state = replace(self.state, blind_since=None, blind_told=False)

    # --- One contract ---------------------------------------------------------------

    def _contract(self, ticker: str) -> None:
        book = self._book(self._account, ticker)
        watch = self.state.watch(ticker)
        findings = judge(book, watch, self._now)
        known = {finding.verdict for finding in findings}
        checked = (*watch.checked, *(o.order.tag for o in checkable(book, watch)))
        risks, reported = [], list(watch.reported)
        for finding in findings:
            if finding.once:
                self._event(finding, reported, ticker)
            elif risk := self._risk(finding, _known(finding, findings, watch), book):
                risks.append(risk)
        if book.in_flight(self._now, closes=False) or book.in_flight(
            self._now, closes=True
        ):
            # A book that lacks an order of ours proves no risk to be over.
            risks += [risk for risk in watch.risks if risk.verdict not in known]
        self._keep(
            replace(
                watch,
                risks=tuple(risks),
                reported=tuple(reported),
                checked=checked,
                seen=see(book, self._now),
            )
        )
        self._realize(book)
        self._square_off(book)
        self._carried_evening(ticker, book.nets.get(Product.MARGIN, 0))
        if book.quiet and not any(finding.trims for finding in findings):
            self._forget(ticker, book)
        else:
            self._forget_dead(ticker, book)

    def _book(self, account: Account, ticker: str) -> OrderBook:
        rows, positions = account.rows(), account.positions()
        if rows is None or positions is None:
            raise Unreadable(account.why)
        ours = tuple(
            our
            for stored in self._ledger[ticker]
            if (our := stored.claim.our_order) is not None
        )
        return read_book(ticker, self._ist.date(), ours, rows, positions)

    def _keep(self, watch: Watch) -> None:
        others = tuple(w for w in self.state.watches if w.ticker != watch.ticker)
        self.state = replace(self.state, watches=(*others, watch))

    def _event(self, finding: Finding, reported: list[str], ticker: str) -> None:
        name = f"{finding.about}:{finding.verdict}"
        if name in reported:
            return
        reported.append(name)
        if finding.verdict is Verdict.ORDER_FILLED and not self._parts.tells_orders:
            return
        if finding.verdict is Verdict.EXITS_WRONG:
            finding = replace(
                finding, message=f"{finding.message} {self._pause(ticker)}"
            )
        self._tell(finding, ticker)

    def _pause(self, ticker: str) -> str:
        """Pause entries for exits that are not what was sent; say how that went."""
        reason = f"exits of {ticker} are not what was sent"
        if self._parts.hands.pause_entries(reason, self._deadline.within(5)):
            return "New entries are paused until you resume them."
        return "New entries could NOT be paused: stop your alerts in TradingView."

    def _risk(
        self, finding: Finding, known: Risk | None, book: OrderBook
    ) -> Risk | None:
        """Return the risk as it stands after this run, told where that is due."""
        risk = known or Risk(finding.verdict, finding.about, self._now, runs=0)
        if risk.about != finding.about:
            risk = Risk(finding.verdict, finding.about, risk.since, runs=0)
            risk = replace(risk, acted=bool(known and known.acted))
        risk = replace(risk, runs=risk.runs + 1)
        if finding.trims:
            left = self._cut(book)
            if left is None:
                return None  # the second read shows it ended
            if not left and risk.runs == 1:
                return risk  # cut; the next run sees whether it is true
            why = left or "FYERS said that they were, and they still work"
            finding = replace(
                finding,
                verdict=Verdict.EXITS_LEFT_BEHIND,
                message=f"{finding.message} They could not be cancelled for you: "
                f"{why}.",
            )
        early = self._now - risk.since < finding.after or risk.runs < finding.runs
        missing = finding.verdict is Verdict.EXITS_MISSING
        if early or (missing and not self._trading) or not self._is_due(risk, finding):
            return risk
        acts = missing and finding.severity is Severity.CRITICAL and not risk.acted
        self._tell(finding, book.ticker, again=risk.times, acts=acts)
        return replace(
            risk,
            told_at=self._now,
            times=risk.times + 1,
            acted=risk.acted or acts,
        )

    def _is_due(self, risk: Risk, finding: Finding) -> bool:
        if risk.told_at is None:
            return True
        if risk.acknowledged or finding.severity is not Severity.CRITICAL:
            return False
        pause = AGAIN_FIRST if risk.times == 1 else AGAIN_LATER
        return self._now - risk.told_at >= pause

    def _tell(
        self, finding: Finding, ticker: str, again: int = 0, acts: bool = False
    ) -> None:
        text = finding.message
        if again:
            text = f"still so: {text}"
        if acts and self._parts.closes_missing:
            text = f"{text} An EXIT was sent for you: {self._close(ticker, 'missing')}"
        self._say(
            finding.verdict,
            text,
            finding.severity,
            ticker,
            finding.side or "",
            finding.quantity or None,
        )

    def _close(self, ticker: str, why: str, products: Iterable[str] = ()) -> str:
        """Send an EXIT of what is open there; return what came of it."""
        contract = next(
            (c for stored in self._ledger[ticker] if (c := stored.claim.contract)), None
        )
        seen = self.state.watch(ticker).seen
        products = tuple(products) or ((seen.product,) if seen else ())
        if contract is None or not products:
            return "it could not be, the contract is not known"
        said = []
        for product in products:
            key = f"{why}:{self._ist:%Y-%m-%d %H:%M}:{ticker}:{product}"
            said.append(
                self._parts.hands.close(
                    contract, product, key, self._deadline.within(10)
                )
            )
        return "; ".join(said)

    # --- Cutting --------------------------------------------------------------------

    def _cut(self, book: OrderBook) -> str | None:
        """Cut what a second read confirms; return why it could not be, else empty.

        None says that the second read shows nothing to cut.
        """
        try:
            again = self._book(self._confirming(), book.ticker)
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
            self._parts.pause(SECOND_READ)
            self._second = self._account.again()
        return self._second

    def _change(self, trims: list[Trim]) -> str:
        broker = self._parts.broker
        gone = [trim.row.order_id for trim in trims if not trim.qty]
        less = [trim for trim in trims if trim.qty]
        calls = bool(gone) + len(less)
        turn = broker.turn(calls, self._deadline.within(10))
        ended = dict(zip(gone, broker.cancel(gone, turn) if gone else (), strict=True))
        for trim in less:
            ended[trim.row.order_id] = broker.resize(trim.row, trim.qty, turn)
        _LOG.info("cut %s", ended)
        bad = [name for name, end in ended.items() if end is not Change.CONFIRMED]
        return f"FYERS did not confirm it for {', '.join(bad)}" if bad else ""

    # --- The ledger -----------------------------------------------------------------

    def _forget(self, ticker: str, book: OrderBook) -> None:
        """Take out of the ledger what is flat and quiet and cannot come back."""
        if any(book.in_flight(self._now, closes=closes) for closes in (False, True)):
            return
        ended = []
        for stored in self._ledger[ticker]:
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
            self._strike(stored, self._story(stored, book, rupees))
            rupees = None

    def _forget_dead(self, ticker: str, book: OrderBook) -> None:
        """Take out entries that ended without a fill beside what is open.

        Nothing can come of them any more, and they would hold a lot of MAX_OPEN_LOTS.
        """
        for stored in self._ledger[ticker]:
            our = stored.claim.our_order
            rows = book.rows_of(our) if our is not None else ()
            dead = rows and not any(row.filled or row.remaining for row in rows)
            if dead and our is not None and not our.closes:
                self._strike(stored, self._story(stored, book, None))

    def _realize(self, book: OrderBook) -> None:
        """Note what the contract has brought in today, as positions show it."""
        if not book.positions:
            return
        rupees = sum((row.realized for row in book.positions), Decimal(0))
        known = self.state.realized_of(book.ticker)
        self.state = self.state.realizing(replace(known, rupees=rupees))

    def _to_journal(self, ticker: str) -> Decimal:
        """Return the rupees of a contract that no story tells of yet."""
        known = self.state.realized_of(ticker)
        self.state = self.state.realizing(replace(known, in_journal=known.rupees))
        return known.rupees - known.in_journal

    def _story(
        self, stored: Stored, book: OrderBook, rupees: Decimal | None
    ) -> Story | None:
        """Return how a claim's order ended."""
        our = stored.claim.our_order
        rows = book.rows_of(our) if our is not None else ()
        if our is None or (not rows and our.day == book.today):
            return None
        # An order of an earlier day is in no book now: it filled, or was forgotten.
        filled = sum(row.filled for row in rows) if rows else our.order.qty
        paid = sum((row.traded_price * row.filled for row in rows), Decimal(0))
        return Story(
            filled=filled,
            price=(paid / filled).quantize(Decimal("0.01")) if paid else None,
            ended_at=self._now,
            rupees=rupees,
        )

    def _strike(self, stored: Stored, story: Story | None = None) -> None:
        try:
            forgotten = self._parts.claims.forgotten(stored.claim, story)
            self._parts.claims.write(stored, forgotten, self._deadline.within(5))
        except (Conflict, Doubtful):
            _LOG.info("a claim stays in the ledger until the next run")

    def _drop_expired(self) -> None:
        for ticker, group in list(self._ledger.items()):
            if expired(group, self._ist.date()):
                for stored in group:
                    self._strike(stored)
                del self._ledger[ticker]
        kept = tuple(w for w in self.state.watches if w.ticker in self._ledger)
        self.state = replace(self.state, watches=kept)

    # --- The day --------------------------------------------------------------------

    def _day(self) -> None:
        """Say what the day's clock asks for: nothing came, or how it went."""
        expect, now = self._parts.expect_alert_by, self._ist.time()
        if expect is not None and expect <= now < TRADING_UNTIL:
            self._said_of_day("expected", self._nothing_came)
        if self._parts.sums_up and ASK_FOR_SUMMARY <= now < TRADING_UNTIL:
            self._ask_market()
        if self._parts.sums_up and now >= SUM_UP:
            self._said_of_day("summary", self._summed_up)

    def _said_of_day(self, what: str, words: Callable[[], Notice | None]) -> None:
        name = f"{self._ist.date()}:{what}"
        if name in self.state.said:
            return
        if self._ist.time() < TRADING_UNTIL:
            self._ask_market()
        if self.state.open_day != self._ist.date():
            return
        try:
            notice = words()
        except Doubtful:
            return  # the next run says it
        said = tuple(n for n in self.state.said if n.startswith(name[:11]))
        self.state = replace(self.state, said=(*said, name))
        if notice is not None:
            self.outbox.append(Outgoing(notice))

    def _nothing_came(self) -> Notice | None:
        came = self._parts.store.of_day(self._ist.date(), self._deadline.within(5))
        if came:
            return None
        return Notice(
            message=f"no alert has come by {self._ist:%H:%M} IST today. Is the alert "
            "in TradingView still running, and its webhook address right?",
            severity=Severity.WARNING,
            event="no_alert_yet",
            at=self._now,
        )

    def _summed_up(self) -> Notice | None:
        claims = [
            stored.claim
            for stored in self._parts.store.of_day(
                self._ist.date(), self._deadline.within(5)
            )
        ]
        real = [claim for claim in claims if not claim.on_paper]
        refused = sum(claim.came_to_nothing for claim in real)
        rupees = sum((one.rupees for one in self.state.realized), Decimal(0))
        open_now = sum(1 for w in self.state.watches if w.seen and w.seen.net)
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
            at=self._now,
        )

    # --- Before FYERS squares off ---------------------------------------------------

    def _square_off(self, book: OrderBook) -> None:
        """Close our INTRADAY positions in time; what is left then is FYERS's to do."""
        at = self._parts.square_off_at
        opened = any(
            our.order.product is Product.INTRADAY and not our.closes
            for our in book.ours
        )
        due = at is not None and at <= self._ist.time() < LEFT_TO_FYERS
        size = book.nets.get(Product.INTRADAY, 0)
        if not opened or not size or self.state.open_day != self._ist.date():
            return
        if due:
            said = self._close(book.ticker, "square-off", (Product.INTRADAY,))
            _LOG.info("square-off of %s %s: %s", size, book.ticker, said)
        elif at is not None and LEFT_TO_FYERS <= self._ist.time() <= WATCH_UNTIL:
            self._once_a_day(
                f"square-off:{book.ticker}",
                f"{abs(size)} {book.ticker} INTRADAY could not be closed by "
                f"{LEFT_TO_FYERS:%H:%M}. FYERS squares it off from 15:15 for a fee of "
                "Rs 50; look that it does.",
                book.ticker,
                size,
                Verdict.SQUARE_OFF,
            )

    # --- Overnight ------------------------------------------------------------------

    def _carried_evening(self, ticker: str, size: int) -> None:
        if self.state.open_day != self._ist.date():
            return  # on a closed day no exits end
        text = carried_tonight(ticker, size, self._ist)
        if text:
            self._once_a_day(f"evening:{ticker}", text, ticker, size)

    def _carried_unseen(self) -> None:
        """Say what is carried from what the store knows, without any read."""
        for watch in self.state.watches:
            if watch.seen is not None and watch.seen.product == Product.MARGIN:
                self._carried_evening(watch.ticker, watch.seen.net)
        self._carried_morning()

    def _carried_morning(self) -> None:
        for watch in self.state.watches:
            text = carried_without_stop(watch, self._ist)
            if text and watch.seen is not None:
                net = watch.seen.net
                self._once_a_day(f"morning:{watch.ticker}", text, watch.ticker, net)

    def _once_a_day(
        self,
        what: str,
        text: str,
        ticker: str,
        net: int,
        verdict: Verdict = Verdict.CARRIED,
    ) -> None:
        today = f"{self._ist.date()}:"
        if f"{today}{what}" in self.state.said:
            return
        said = tuple(name for name in self.state.said if name.startswith(today))
        self.state = replace(self.state, said=(*said, f"{today}{what}"))
        side = Action.BUY if net < 0 else Action.SELL
        self._say(verdict, text, Severity.CRITICAL, ticker, side, abs(net))

    def _say(
        self,
        event: str,
        message: str,
        severity: Severity,
        contract: str = "",
        side: str = "",
        quantity: int | None = None,
    ) -> None:
        notice = Notice(
            message=message,
            severity=severity,
            event=str(event),
            at=self._now,
            contract=contract,
            side=str(side),
            quantity=quantity,
        )
        self.outbox.append(Outgoing(notice))


def _placed(claims: Iterable[Claim]) -> str:
    placed = [claim for claim in claims if claim.order_ids]
    closes = sum(claim.closes for claim in placed)
    entries = _count(len(placed) - closes, "entry", "entries")
    return f"{entries} and {_count(closes, 'close')}"


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else more or f'{one}s'}"


def _known(finding: Finding, findings: Iterable[Finding], watch: Watch) -> Risk | None:
    """Return the risk that this finding continues, None for a new one.

    Of several findings of one verdict each has a risk of its own; a finding whose risk
    looked otherwise before (another quantity) continues one that no other claims.
    """
    same = [risk for risk in watch.risks if risk.verdict is finding.verdict]
    exact = next((risk for risk in same if risk.about == finding.about), None)
    if exact is not None:
        return exact
    others = {f.about for f in findings if f.verdict is finding.verdict}
    return next((risk for risk in same if risk.about not in others), None)


def _hm(instant: datetime) -> str:
    return f"{instant.astimezone(IST):%H:%M}"
