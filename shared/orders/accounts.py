"""The webhook's use case: from the bytes of an alert to the account it is meant for.

Entries go to the paper account where the owner or the alert says so. A close acts on
what is open in either: real by orders, paper on paper.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

from shared import alerts
from shared.broker import NotTaken, Unreadable
from shared.errors import BadRequest, Unavailable
from shared.idempotency import wording
from shared.models import (
    PAPER,
    Alert,
    Contract,
    Deadline,
    Product,
    Severity,
    Verb,
    Wanted,
)
from shared.orders.choosing import Choosing
from shared.orders.delivery import Run
from shared.orders.exiting import is_paper, list_positions
from shared.orders.ports import SETTLE, Answer, Delivery, Parts
from shared.orders.reporting import Reported, about_refused, refuse, tell


class Paper(NamedTuple):
    """The paper account beside the real one."""

    parts: Parts
    every_entry: bool
    """PAPER=true: every entry goes to it."""


def _on_paper(alert: Alert) -> Alert:
    """Return a close's twin for the paper account, under a claim of its own.

    Without a key the twin has none either: it stands as long as its alert does.
    """
    mark = hashlib.sha256(f"{alert.fingerprint}:paper".encode()).hexdigest()
    key = None if alert.key is None else f"{alert.key}:paper"
    return replace(alert, key=key, fingerprint=mark)


def _holds(parts: Parts, deadline: Deadline) -> bool:
    """Return whether the paper account may hold anything."""
    try:
        ledger = parts.claims.ledger(None, deadline.minus(SETTLE))
    except Unavailable:
        return True
    return any(is_paper(stored) for stored in ledger)


def _is_open(parts: Parts, alert: Alert, deadline: Deadline) -> bool:
    """Return whether the paper account has open what a close means, or may have."""
    try:
        list_positions(parts, alert, deadline)
    except BadRequest:
        return False
    except (Unavailable, Unreadable, NotTaken):
        return True
    return True


class Orders:
    """The webhook's use case."""

    def __init__(self, parts: Parts, paper: Paper | None = None) -> None:
        """Take the real account and, where there is one, the paper account."""
        self._parts = parts
        self._paper = paper
        self._reported = Reported()
        self._choosing = Choosing()

    def handle(self, delivery: Delivery) -> Answer:
        """Return what became of the alert; raise `Problem` before there is a claim."""
        parts = self._parts
        secrets = (parts.secret, *parts.old_secrets())
        try:
            fields = alerts.read_body(delivery.body)
        except BadRequest as problem:
            if alerts.holds_secret(delivery.body, secrets):
                return self._refuse(problem, "an alert that is no JSON", delivery)
            raise
        old = alerts.authenticate(fields, *secrets)
        try:
            alert = alerts.parse(
                fields, delivery.header_key, parts.clock(), parts.max_age
            )
        except BadRequest as problem:
            return self._refuse(problem, alerts.words(fields), delivery)
        answer = self._route(alert, delivery)
        answer = answer._replace(what=alert.words, old_secret=old)
        if answer.replayed and alert.key is None and answer.reply.status == 200:
            self._tell_equal(alert, delivery)
        return answer

    def _route(self, alert: Alert, delivery: Delivery) -> Answer:
        """Let the account the alert is meant for handle it, for a close maybe both.

        Entries go to the paper account where the owner or the alert says so. A close
        acts on what is open: real by orders, and that first; paper on paper. A close
        that finds nothing real goes on to paper under the same claim. Only two orders
        are two claims: with PAPER on, what is open in both is closed in both.
        """
        paper = self._paper
        if alert.verb is Verb.PAUSE or paper is None:
            return self._run(self._parts, alert, delivery).answer()
        if alert.entry or alert.paper:
            chosen = alert.paper or paper.every_entry
            parts = paper.parts if chosen else self._parts
            return self._run(parts, alert, delivery).answer()

        run = self._run(self._parts, alert, delivery)
        run.passes_on = lambda: _holds(paper.parts, delivery.deadline)
        answer = run.answer()
        if run.passed is not None:
            return self._run(paper.parts, alert, delivery).answer(run.passed)
        if (
            paper.every_entry
            and answer.reply.status == 200
            and _holds(paper.parts, delivery.deadline)
            and _is_open(paper.parts, alert, delivery.deadline)
        ):
            self._run(paper.parts, _on_paper(alert), delivery).answer()
        return answer

    def _run(self, parts: Parts, alert: Alert, delivery: Delivery) -> Run:
        """Return the handling of the alert in one account."""
        return Run(parts, delivery, alert, self._reported, self._choosing)

    def _refuse(self, problem: BadRequest, what: str, delivery: Delivery) -> Answer:
        """Answer what never became an alert, leave its row and tell the owner."""
        parts = self._parts
        notice = about_refused(parts, problem, what, delivery)
        refuse(parts, notice, problem, what, delivery)
        return Answer(wording.failure(problem, delivery.request_id), what=what)

    def _tell_equal(self, alert: Alert, delivery: Delivery) -> None:
        """Say that two equal alerts made one order; a resend after a 200 is none."""
        notice = wording.about_alert(
            "equal_alert",
            "an equal alert came again and was answered with the first one's order: "
            "one order for two alerts. If two were meant, let them differ, for example "
            'by "time": "{{timenow}}".',
            alert,
            self._parts.clock(),
            delivery.request_id,
            Severity.WARNING,
        )
        if self._reported.first(alert.fingerprint, notice.event, notice.at):
            tell(self._parts, notice, delivery.deadline)

    def exit(
        self, contract: Contract, product: Product, key: str, delivery: Delivery
    ) -> Answer:
        """Close one position for the guard, under a claim of its own named by `key`."""
        alert = Alert(
            verb=Verb.EXIT,
            symbol=contract.underlying,
            strike=contract.strike,
            option_type=contract.option_type,
            expiry=contract.expiry,
            product=Wanted(product),
            key=key,
            fingerprint=hashlib.sha256(key.encode()).hexdigest(),
        )
        parts = self._parts
        if contract.ticker.startswith(PAPER) and self._paper is not None:
            parts = self._paper.parts
        return Run(
            parts, delivery, alert, self._reported, self._choosing, contract
        ).answer()
