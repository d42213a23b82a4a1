"""What a soak did wrong, counted from the outside: FYERS, phone, sender, claims.

Nothing here asks the machine what it believes it did, except that the claims' states
are read to find what was left open, and to tell which delivery made an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

from local.soak.phone import Heard
from local.soak.tradingview import LATE, Alert
from local.soak.world import World
from shared.idempotency import Claim, ClaimStore, State
from shared.models import Deadline
from simulator.book import CANCELLED, PENDING, REJECTED, TRADED, Order

KINDS = (
    "duplicates",
    "silently_lost",
    "unresolved",
    "contradictions",
    "phantom_successes",
    "5xx_after_an_order",
    "untold_endings",
    "exits_left_behind",
    "unprotected_shorts",
)
"""Everything that must be 0."""

DENYING = (400, 401, 410, 422, 424)
"""Replies that tell the sender that there is no order."""
TAG = 20
"""Hex digits of an attempt that make an order's tag."""
_STOPS = (3, 4)


@dataclass(frozen=True, slots=True)
class Case:
    """One alert with all that is known of it."""

    alert: Alert
    orders: Sequence[Order]
    """FYERS's orders of its contract and side, no exit legs."""
    notices: Sequence[Heard]
    """What the owner heard of it, in order."""
    claim: Claim | None

    @property
    def order(self) -> Order | None:
        """Return its order."""
        return self.orders[0] if self.orders else None

    def told(self, *events: str) -> bool:
        """Return whether the owner heard one of these."""
        return any(notice.event in events for notice in self.notices)


@dataclass(slots=True)
class Findings:
    """Violations by kind, each with the alert it happened to."""

    cases: list[Case]
    found: dict[str, list[Case]] = field(default_factory=dict)

    def count(self, kind: str) -> int:
        """Return how often a kind happened."""
        if kind == "duplicates":
            return sum(len(case.orders) - 1 for case in self.found.get(kind, ()))
        return len(self.found.get(kind, ()))

    @property
    def clean(self) -> bool:
        """Return whether nothing is wrong."""
        return not any(self.found.values())


def audit(world: World, alerts: Sequence[Alert]) -> Findings:
    """Hold every alert against FYERS, the phone, the replies and the store."""
    cases = _cases(world, alerts)
    legs: dict[str, list[Order]] = {}
    for order in world.fyers.exchange.orders:
        if order.parent_id is not None:
            legs.setdefault(order.symbol, []).append(order)
    findings = Findings(cases)
    for case in cases:
        for kind in wrong(case):
            findings.found.setdefault(kind, []).append(case)
    for ticker, group in _by_contract(cases).items():
        kind = _exposed(world, ticker, group, legs.get(ticker, []))
        if kind:
            findings.found.setdefault(kind, []).append(group[0])
    return findings


def _cases(world: World, alerts: Sequence[Alert]) -> list[Case]:
    orders: dict[tuple[str, int], list[Order]] = {}
    for order in world.fyers.exchange.orders:
        if order.parent_id is None:
            orders.setdefault((order.symbol, order.side), []).append(order)
    notices: dict[str, list[Heard]] = {}
    for heard in list(world.phone.heard):
        notices.setdefault(heard.request_id.partition(".")[0], []).append(heard)
    claims = _claims(world.store(), [alert.key for alert in alerts])
    return [
        Case(
            alert,
            orders.get((alert.contract.ticker, alert.side), []),
            notices.get(alert.id, []),
            claims[alert.key],
        )
        for alert in alerts
    ]


def _claims(store: ClaimStore, keys: Iterable[str]) -> Mapping[str, Claim | None]:
    def read(key: str) -> tuple[str, Claim | None]:
        found = store.read(key, Deadline(perf_counter() + 20, perf_counter))
        return key, found.claim if found else None

    with ThreadPoolExecutor(8) as pool:
        return dict(pool.map(read, keys))


def _by_contract(cases: Iterable[Case]) -> dict[str, list[Case]]:
    grouped: dict[str, list[Case]] = {}
    for case in cases:
        grouped.setdefault(case.alert.contract.ticker, []).append(case)
    return grouped


def wrong(case: Case) -> list[str]:
    """Return every violation one alert shows by itself."""
    checks = {
        "duplicates": len(case.orders) > 1,
        "silently_lost": _lost(case),
        "unresolved": _unresolved(case.claim),
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


def _unresolved(claim: Claim | None) -> bool:
    if claim is None:
        return False
    open_states = (State.CLAIMED, State.SENDING, State.UNKNOWN)
    return claim.state in open_states or (claim.state is State.RELEASED and claim.retry)


def _contradicts(case: Case) -> bool:
    """An order lives, or lived, while somebody was left believing there is none."""
    order = case.order
    if order is None or order.status == REJECTED:
        return False
    denied = any(d.status in DENYING for d in case.alert.deliveries)
    denied |= any(map(_denies, case.notices))
    foreign = case.claim is None or (
        f"1:{case.claim.attempt[:TAG]}" != order.tag
        or case.claim.state is not State.DONE
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
    return any(d.status == 200 and d.order_id not in ids for d in replies)


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


def _exposed(
    world: World, ticker: str, group: Sequence[Case], legs: Sequence[Order]
) -> str:
    """Return what is wrong with the exits of a contract's position, if anything."""
    short = -world.fyers.exchange.net(ticker)
    stops = sum(leg.left for leg in legs if leg.wish.type in _STOPS)
    working = [leg for leg in legs if leg.working]
    covering = sum(o.left for case in group for o in case.orders if o.side > 0)
    events = "exits_missing", "order_rejected", "part_filled", "exits_left_behind"
    told = any(case.told(*events) for case in group)
    if short <= 0 and working and not told:
        return "exits_left_behind"
    if short - covering > stops and not told:
        return "unprotected_shorts"
    return ""


def late(alert: Alert) -> bool:
    """Return whether the sender never got an answer."""
    return all(delivery.seen == LATE for delivery in alert.last_words)


def statuses(orders: Iterable[Order]) -> dict[str, int]:
    """Return how many orders ended how."""
    names = {TRADED: "traded", REJECTED: "rejected", PENDING: "resting"}
    counted: dict[str, int] = {}
    for order in orders:
        name = names.get(order.status, "other")
        counted[name] = counted.get(name, 0) + 1
    return counted
