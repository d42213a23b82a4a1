"""What a soak did wrong, counted from the outside: FYERS, phone, sender, claims.

Nothing here asks the machine what it believes it did, except that the claims' states
are read to find what was left open, and to tell which delivery made an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

from local.soak.closing import crossings, refused_while_open
from local.soak.monitor import BARE, REVERSED, STRAY, Monitor, untold
from local.soak.phone import Heard
from local.soak.tradingview import Alert
from local.soak.world import World
from local.standins.tradingview import LATE
from shared.idempotency import (
    Claim,
    Claimed,
    ClaimStore,
    Done,
    Released,
    Sending,
    Unknown,
)
from shared.models import Action, Deadline
from shared.models.book import CLOCK_SLACK
from simulator.book import CANCELLED, PENDING, REJECTED, TRADED, Order
from simulator.rules import MARKET

KINDS = (
    "duplicates",
    "silently_lost",
    "unresolved",
    "contradictions",
    "phantom_successes",
    "5xx_after_an_order",
    "untold_endings",
    "crossed_zero",
    "exits_refused",
    "stray_untold",
    "bare_untold",
    "reversed_untold",
    "false_criticals",
)
"""Everything that must be 0."""

DENYING = (400, 401, 410, 422, 424)
"""Replies that tell the sender that there is no order."""
TAG = 20
"""Hex digits of an attempt that make an order's tag."""

UNTOLD = {STRAY: "stray_untold", BARE: "bare_untold", REVERSED: "reversed_untold"}


@dataclass(frozen=True, slots=True)
class Case:
    """One alert with all that is known of it."""

    alert: Alert
    orders: Sequence[Order]
    """FYERS's orders of its contract and side, no exit legs."""
    notices: Sequence[Heard]
    """What the owner heard of it, in order."""
    claim: Claim | None
    twin: bool = False
    """A person placed an order beside it that may be taken for it: nobody can tell."""
    about: Sequence[Heard] = ()
    """What the owner heard of its contract, the guard's words too."""

    @property
    def order(self) -> Order | None:
        """Return its order."""
        return self.orders[0] if self.orders else None

    def told(self, *events: str) -> bool:
        """Return whether the owner heard one of these."""
        heard = (*self.notices, *self.about)
        return any(notice.event in events for notice in heard)


@dataclass(slots=True)
class Findings:
    """Violations by kind, each with the alert it happened to."""

    cases: list[Case]
    found: dict[str, list[Case]] = field(default_factory=dict)
    beside: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Violations that are a contract's rather than an alert's: its ticker, and what."""

    def count(self, kind: str) -> int:
        """Return how often a kind happened."""
        if kind == "duplicates":
            return sum(len(case.orders) - 1 for case in self.found.get(kind, ()))
        return len(self.found.get(kind, ())) + len(self.beside.get(kind, ()))

    @property
    def clean(self) -> bool:
        """Return whether nothing is wrong."""
        return not any(self.found.values()) and not any(self.beside.values())


def audit(
    world: World, alerts: Sequence[Alert], monitor: Monitor, calm_until: float
) -> Findings:
    """Hold every alert against FYERS, the phone, the replies and the store.

    `calm_until`: nothing went wrong before that monotonic instant.
    """
    cases = _cases(world, alerts)
    findings = Findings(cases)
    for case in cases:
        for kind in wrong(case):
            findings.found.setdefault(kind, []).append(case)
    refused = {alert.id for alert in refused_while_open(world.fyers, alerts)}
    findings.found["exits_refused"] = [c for c in cases if c.alert.id in refused]
    for kind, ticker, what in _beside(world, monitor, calm_until):
        findings.beside.setdefault(kind, []).append((ticker, str(what)))
    return findings


def _beside(
    world: World, monitor: Monitor, calm_until: float
) -> Iterator[tuple[str, str, object]]:
    heard, runs = list(world.phone.heard), list(monitor.runs)
    for crossing in crossings(world.fyers):
        if not crossing.raced:
            yield "crossed_zero", crossing.ticker, crossing
    for episode in monitor.all:
        if untold(episode, runs, heard):
            yield UNTOLD[episode.kind], episode.ticker, episode
    for notice in heard:
        if notice.severity == "CRITICAL" and notice.at < calm_until:
            yield "false_criticals", notice.contract, notice


def _cases(world: World, alerts: Sequence[Alert]) -> list[Case]:
    notices: dict[str, list[Heard]] = {}
    for heard in list(world.phone.heard):
        notices.setdefault(heard.request_id.partition(".")[0], []).append(heard)
    claims = _claims(world.store(), [alert.key for alert in alerts])
    orders = _orders(world, alerts, claims)
    by_hand = [
        order
        for order in world.fyers.exchange.orders
        if order.parent_id is None and not order.wish.tag
    ]
    told: dict[str, list[Heard]] = {}
    for heard in list(world.phone.heard):
        told.setdefault(heard.contract, []).append(heard)
    return [
        Case(
            alert,
            orders.get(alert.id, []),
            notices.get(alert.id, []),
            claims[alert.key],
            _has_twin(claims[alert.key], by_hand),
            told.get(alert.contract.ticker, []),
        )
        for alert in alerts
    ]


def _has_twin(claim: Claim | None, by_hand: Iterable[Order]) -> bool:
    """Return whether a hand order may be taken for a claim's: FYERS can drop tags."""
    slip = claim.slip if claim else None
    return slip is not None and any(
        order.symbol == slip.order.ticker
        and order.wish.type == MARKET
        and order.qty == slip.order.qty
        and (order.side > 0) == (slip.order.action is Action.BUY)
        and order.at >= slip.sent_at - CLOCK_SLACK
        for order in by_hand
    )


def _orders(
    world: World, alerts: Sequence[Alert], claims: Mapping[str, Claim | None]
) -> dict[str, list[Order]]:
    """Return each alert's orders at FYERS: what people placed has no tag.

    An order that no claim names is its contract's alert's all the same, if FYERS did
    not refuse it: a cover refused for margin goes once more under another tag.
    """
    by_tag: dict[str, Alert] = {}
    by_contract: dict[tuple[str, int], Alert] = {}
    for alert in alerts:
        claim = claims[alert.key]
        by_contract.setdefault((alert.contract.ticker, alert.side), alert)
        if claim is not None:
            by_tag[f"1:{claim.attempt[:TAG]}"] = alert
    found: dict[str, list[Order]] = {}
    strangers = []
    for order in world.fyers.exchange.orders:
        if order.parent_id is None and order.wish.tag:
            if order.tag in by_tag:
                found.setdefault(by_tag[order.tag].id, []).append(order)
            else:
                strangers.append(order)
    for order in strangers:
        alert = by_contract[order.symbol, order.side]
        if order.status != REJECTED or alert.id not in found:
            found.setdefault(alert.id, []).append(order)
    return found


def _claims(store: ClaimStore, keys: Iterable[str]) -> Mapping[str, Claim | None]:
    def read(key: str) -> tuple[str, Claim | None]:
        found = store.read(key, Deadline(perf_counter() + 20, perf_counter))
        return key, found.claim if found else None

    with ThreadPoolExecutor(8) as pool:
        return dict(pool.map(read, keys))


def wrong(case: Case) -> list[str]:
    """Return every violation one alert shows by itself."""
    checks = {
        "duplicates": len(case.orders) > 1,
        "silently_lost": _lost(case),
        "unresolved": _unresolved(case),
        "contradictions": _contradicts(case),
        "phantom_successes": _phantom(case),
        "5xx_after_an_order": _wrongly_5xx(case),
        "untold_endings": _untold(case),
    }
    return [kind for kind, wrong in checks.items() if wrong]


def _lost(case: Case) -> bool:
    """No order, and neither the sender nor the owner was told so."""
    if case.orders or case.notices:
        return False
    return not any(delivery.failed for delivery in case.alert.last_words)


def _unresolved(case: Case) -> bool:
    match case.claim and case.claim.at:
        case Unknown():
            return not case.twin
        case Released(retry=retry):
            return retry
        case Claimed() | Sending():
            return True
    return False


def _contradicts(case: Case) -> bool:
    """An order lives, or lived, while somebody was left believing there is none."""
    order = case.order
    if order is None or order.status == REJECTED:
        return False
    denied = any(d.status in DENYING for d in case.alert.deliveries)
    denied |= any(map(_denies, case.notices))
    foreign = case.claim is None or (
        f"1:{case.claim.attempt[:TAG]}" != order.tag
        or not isinstance(case.claim.at, Done)
    )
    return (denied and not case.told("order_found")) or foreign


def _denies(notice: Heard) -> bool:
    """Return whether a notice says that there is no order."""
    return notice.event == "not_sent" or "no order was sent" in notice.message


def overtaken(case: Case) -> bool:
    """Return whether the owner heard a correction and then what it corrects.

    A channel that fails once lets that happen; the correction counts for good, so it is
    reported but no violation.
    """
    heard = case.notices
    found = [n for n, notice in enumerate(heard) if notice.event == "order_found"]
    return bool(found) and any(map(_denies, heard[found[-1] :]))


def _phantom(case: Case) -> bool:
    """A success was reported of an order that is not in the book."""
    ids = {order.id for order in case.orders}
    replies = case.alert.deliveries
    return any(d.status == 200 and d.said("order_id") not in ids for d in replies)


def _wrongly_5xx(case: Case) -> bool:
    """A delivery that made the order answered 5xx by itself."""
    if case.claim is None or not case.orders:
        return False
    return any(
        delivery.ours_5xx and delivery.request_id == case.claim.request_id
        for delivery in case.alert.deliveries
    )


def _untold(case: Case) -> bool:
    """An order that did not simply trade, and nobody heard of it."""
    order = case.order
    if order is None or order.status == TRADED:
        return False
    if order.status in (REJECTED, CANCELLED) and not order.filled:
        known = any(delivery.status == 424 for delivery in case.alert.deliveries)
        return not known and not case.told("order_rejected")
    return not case.told("unfilled", "part_filled", "order_found")


def late(alert: Alert) -> bool:
    """Return whether the sender never got an answer."""
    return all(delivery.reply == LATE for delivery in alert.last_words)


def statuses(orders: Iterable[Order]) -> dict[str, int]:
    """Return how many orders ended how."""
    names = {TRADED: "traded", REJECTED: "rejected", PENDING: "resting"}
    counted: dict[str, int] = {}
    for order in orders:
        name = names.get(order.status, "other")
        counted[name] = counted.get(name, 0) + 1
    return counted
