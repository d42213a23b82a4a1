"""The guard: once a minute, every contract our orders touched is safe or told.

One read of the account and one table of verdicts. What was told stands in
`guard/state`, written with the notices it makes, so that a crash repeats a notice and
never loses one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from shared.errors import Conflict, Doubtful, Unavailable
from shared.guard.account import Account
from shared.guard.cutting import Cutting
from shared.guard.day import Day
from shared.guard.ledger import Ledger
from shared.guard.ports import GuardParts, GuardSummary
from shared.guard.sight import Sight
from shared.guard.state import GuardState, Risk, Verdict, Watch
from shared.guard.verdicts import Finding, checkable, judge, see
from shared.idempotency import Outgoing
from shared.models import Deadline, OrderBook, Product, Severity

_LOG = logging.getLogger(__name__)

AGAIN_FIRST = timedelta(minutes=15)
AGAIN_LATER = timedelta(hours=1)
"""When an open risk is told again."""


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
        work = Sight(self._parts, account, old, ledger, now, deadline)
        _Run(work).look()
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
    """One run: each contract judged, told, cut or forgotten."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._cutting = Cutting(sight)
        self._ledger = Ledger(sight)
        self._day = Day(sight, self._close)

    def look(self) -> None:
        """Judge every contract of the ledger."""
        sight = self._sight
        watches = tuple(sight.state.watch(ticker) for ticker in sight.ledger)
        sight.state = replace(sight.state, watches=watches)
        self._ledger.drop_expired()
        self._day.words()
        if not sight.ledger:
            sight.state = replace(sight.state, blind_since=None, blind_told=False)
            return
        if not sight.due():
            if not sight.state.blind_told:
                sight.state = replace(sight.state, blind_since=None)
            self._day.carried_morning()
            return
        sight.ask_market()
        rows, positions = sight.account.rows(), sight.account.positions()
        if rows is None or positions is None:
            sight.blind(sight.account.why, sight.ledger)
            self._day.carried_unseen()
            return
        broken = (rows.broken | positions.broken) & set(sight.ledger)
        if broken:
            sight.blind("FYERS sends a row that cannot be read", broken)
        else:
            sight.sees()
        for ticker in list(sight.ledger):
            if ticker not in broken:
                self._contract(ticker)
        self._day.carried_morning()

    # --- One contract -----------------------------------------------------------------

    def _contract(self, ticker: str) -> None:
        sight = self._sight
        book = sight.book(sight.account, ticker)
        watch = sight.state.watch(ticker)
        findings = judge(book, watch, sight.now)
        known = {finding.verdict for finding in findings}
        checked = (*watch.checked, *(o.order.tag for o in checkable(book, watch)))
        risks, reported = [], list(watch.reported)
        for finding in findings:
            if finding.once:
                self._event(finding, reported, ticker)
            elif risk := self._risk(finding, _known(finding, findings, watch), book):
                risks.append(risk)
        if book.in_flight(sight.now, closes=False) or book.in_flight(
            sight.now, closes=True
        ):
            # A book that lacks an order of ours proves no risk to be over.
            risks += [risk for risk in watch.risks if risk.verdict not in known]
        sight.keep(
            replace(
                watch,
                risks=tuple(risks),
                reported=tuple(reported),
                checked=checked,
                seen=see(book, sight.now),
            )
        )
        self._ledger.realize(book)
        self._day.square_off(book)
        self._day.carried_evening(ticker, book.nets.get(Product.MARGIN, 0))
        if book.quiet and not any(finding.trims for finding in findings):
            self._ledger.forget(ticker, book)
        else:
            self._ledger.forget_dead(ticker, book)

    def _event(self, finding: Finding, reported: list[str], ticker: str) -> None:
        name = f"{finding.about}:{finding.verdict}"
        if name in reported:
            return
        reported.append(name)
        if (
            finding.verdict is Verdict.ORDER_FILLED
            and not self._sight.parts.tells_orders
        ):
            return
        if finding.verdict is Verdict.EXITS_WRONG:
            finding = replace(
                finding, message=f"{finding.message} {self._pause(ticker)}"
            )
        self._tell(finding, ticker)

    def _pause(self, ticker: str) -> str:
        """Pause entries for exits that are not what was sent; say how that went."""
        reason = f"exits of {ticker} are not what was sent"
        if self._sight.parts.hands.pause_entries(
            reason, self._sight.deadline.within(5)
        ):
            return "New entries are paused until you resume them."
        return "New entries could NOT be paused: stop your alerts in TradingView."

    def _risk(
        self, finding: Finding, known: Risk | None, book: OrderBook
    ) -> Risk | None:
        """Return the risk as it stands after this run, told where that is due."""
        risk = known or Risk(finding.verdict, finding.about, self._sight.now, runs=0)
        if risk.about != finding.about:
            risk = Risk(finding.verdict, finding.about, risk.since, runs=0)
            risk = replace(risk, acted=bool(known and known.acted))
        risk = replace(risk, runs=risk.runs + 1)
        if finding.trims:
            left = self._cutting.cut(book)
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
        early = self._sight.now - risk.since < finding.after or risk.runs < finding.runs
        missing = finding.verdict is Verdict.EXITS_MISSING
        if (
            early
            or (missing and not self._sight.trading)
            or not self._is_due(risk, finding)
        ):
            return risk
        acts = missing and finding.severity is Severity.CRITICAL and not risk.acted
        self._tell(finding, book.ticker, again=risk.times, acts=acts)
        return replace(
            risk,
            told_at=self._sight.now,
            times=risk.times + 1,
            acted=risk.acted or acts,
        )

    def _is_due(self, risk: Risk, finding: Finding) -> bool:
        if risk.told_at is None:
            return True
        if risk.acknowledged or finding.severity is not Severity.CRITICAL:
            return False
        pause = AGAIN_FIRST if risk.times == 1 else AGAIN_LATER
        return self._sight.now - risk.told_at >= pause

    def _tell(
        self, finding: Finding, ticker: str, again: int = 0, acts: bool = False
    ) -> None:
        text = finding.message
        if again:
            text = f"still so: {text}"
        if acts and self._sight.parts.closes_missing:
            text = f"{text} An EXIT was sent for you: {self._close(ticker, 'missing')}"
        self._sight.say(
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
            (
                c
                for stored in self._sight.ledger[ticker]
                if (c := stored.claim.contract)
            ),
            None,
        )
        seen = self._sight.state.watch(ticker).seen
        products = tuple(products) or ((seen.product,) if seen else ())
        if contract is None or not products:
            return "it could not be, the contract is not known"
        said = []
        for product in products:
            key = f"{why}:{self._sight.ist:%Y-%m-%d %H:%M}:{ticker}:{product}"
            said.append(
                self._sight.parts.hands.close(
                    contract, product, key, self._sight.deadline.within(10)
                )
            )
        return "; ".join(said)


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
