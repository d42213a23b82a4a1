"""From a claim that is ours to the order that may be sent, or why there is none.

Which contract is meant, what FYERS and our claims say of it, and whether the guardrails
let it pass.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from shared.broker import Turn
from shared.guardrails import Control, Place
from shared.idempotency import Claimed, Slip, StoredAt
from shared.models import PAPER, Action, Alert, Contract, Deadline, Verb
from shared.orders.building import Size, Times, build_close, build_entry, reduces
from shared.orders.choosing import Choosing
from shared.orders.closing import Close, Closing
from shared.orders.exiting import is_paper
from shared.orders.market import exposure_of, read_market, traded_before
from shared.orders.opposite import meets_long, refuse_elsewhere
from shared.orders.ports import SETTLE, Chosen, Parts


class Ready(NamedTuple):
    """An order that may be sent, as decided by what was read."""

    contract: Contract
    slip: Slip
    turn: Turn
    close: Close | None = None


class Preparing:
    """One alert's way to its order, in one account; raises what refuses it."""

    def __init__(
        self,
        parts: Parts,
        alert: Alert,
        choosing: Choosing,
        deadline: Deadline,
        contract: Contract | None,
    ) -> None:
        self._parts = parts
        self._alert = alert
        self._choosing = choosing
        self._deadline = deadline
        self.contract = contract
        """What the alert means, as soon as that is known: a resend keeps it."""
        self.closing: Closing | None = None

    def find(self, reads: Deadline) -> Contract | None:
        """Return the contract the alert names, None where that must be chosen."""
        if self.contract is not None:
            return self.contract
        if not isinstance(self._alert.strike, Decimal):
            return None  # several, near the money, or a PAUSE
        return self._named(self._parts.find(self._alert, reads))

    def _named(self, contract: Contract) -> Contract:
        """Return the contract as this account names it."""
        if not self._parts.paper or on_paper(contract):
            return contract
        return replace(contract, ticker=PAPER + contract.ticker)

    def prepare(self, stored: StoredAt[Claimed]) -> Ready:
        """Read the market and return the order it permits."""
        if self._alert.entry:
            return self._entry(stored)
        if self.contract is None:
            self.contract = self._choosing.held(
                self._parts, self._alert, self._deadline
            )
        side = Action.BUY if self._alert.verb is Verb.BUY else None
        return self._close(stored, self.contract, side)

    def _entry(self, stored: StoredAt[Claimed]) -> Ready:
        """Read market, our claims and the entry control side by side, and judge."""
        parts, alert, reads = self._parts, self._alert, self._deadline.minus(SETTLE)
        ledger = parts.fork(lambda: parts.claims.ledger(None, reads))
        place = parts.fork(lambda: self._place(stored, reads))
        try:
            market, turn = read_market(parts, self._choose, self._deadline)
        finally:
            ledger.exception()
            place.exception()
        self.contract = contract = market.contract
        everything = ledger.result()
        ours = tuple(s for s in everything if is_paper(s) is parts.paper)
        if (
            alert.verb is Verb.SELL
            and reduces(alert, contract, market.positions, parts.terms)
        ) or meets_long(parts, alert, contract, market, ours, self._deadline):
            parts.entries.give_back(stored.claim.mark, reads)
            return self._close(stored, contract, Action.SELL)
        refuse_elsewhere(parts, alert, contract, everything)
        control, own = place.result()
        parts.entries.judge(control, own, exposure_of(ours, market.account))
        slip = build_entry(
            alert,
            contract,
            market.quote,
            parts.terms,
            stored.claim.attempt[:20],
            self._times(),
        )
        before = traded_before(slip.order.action, market.positions)
        return Ready(contract, replace(slip, traded_before=before), turn)

    def _place(
        self, stored: StoredAt[Claimed], reads: Deadline
    ) -> tuple[Control, Place]:
        """Take this entry's place; return it with the control that holds it."""
        claim, alert, parts = stored.claim, self._alert, self._parts
        own = Place(
            stored.key,
            alert.named,
            self._lots(reads),
            parts.clock(),
            alert=claim.mark,
            paper=parts.paper,
        )
        return parts.entries.admit(own, reads), own

    def _choose(self, turn: Turn) -> Chosen:
        """Return the contract with its quote: one call to FYERS for both."""
        contract, quote = self.contract, None
        if contract is None:
            chosen = self._choosing.near(self._parts, self._alert, turn)
            contract, quote = self._named(chosen.contract), chosen.quote
            self.contract = contract  # kept whatever comes: a resend never chooses anew
        if quote is None:
            quote = self._parts.broker.quote(contract.ticker, turn)
        return Chosen(contract, quote)

    def _lots(self, reads: Deadline) -> int:
        """Return the lots an entry asks for; whether it may is judged later."""
        alert = self._alert
        if alert.lots is not None or alert.qty is None:
            return alert.lots or 1
        if self.contract is not None:
            lot = self.contract.lot
        else:
            lot = self._parts.expiry(alert, reads).lot
        return max(1, -(-alert.qty // lot))

    def _close(
        self, stored: StoredAt[Claimed], contract: Contract, side: Action | None
    ) -> Ready:
        self.closing = closing = Closing(
            self._parts, self._alert, contract, stored, self._deadline
        )
        close = closing.prepare(side)
        turn = self._parts.broker.turn(1, self._deadline.minus(SETTLE))
        slip = build_close(
            self._alert,
            contract,
            close.quote,
            self._parts.terms,
            Size(close.side, close.product, close.qty, "; ".join(close.notes)),
            close.stored.claim.attempt[:20],
            self._times(),
        )
        return Ready(contract, slip, turn, close)

    def _times(self) -> Times:
        now = self._parts.clock()
        return Times(now, now + timedelta(seconds=self._deadline.left()))


def on_paper(contract: Contract) -> bool:
    """Return whether a contract is named as the paper account does."""
    return contract.ticker.startswith(PAPER)
