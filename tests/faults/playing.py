"""Plays one cell: the alert fires, things go wrong, reconcile runs, all is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from local.standins.tradingview import Delivery, Trigger
from simulator.faults import ALIASES
from tests.faults.cells import Cell
from tests.faults.director import Passed, pause
from tests.faults.stage import Stage
from tests.faults.striking import CALLS, STEPS, strike
from tests.faults.together import RECONNECT, alert, fire, overlapping
from tests.support.network import MODES

AGE = 60.0
"""Seconds between two runs of reconcile."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An order call as FYERS saw it."""

    tag: str
    fault: str
    status: int
    """Zero where no reply went out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a cell."""

    cell: Cell
    triggers: tuple[tuple[Delivery, ...], ...]
    orders: tuple[dict[str, Any], ...]
    """The alert's orders at FYERS, refused ones too, exit legs not."""
    claim: str
    told: tuple[str, ...]
    claim_at_once: str
    """The claim when the last reply was out, before any reconcile."""
    claim_after_one: str
    """The claim when the first healthy reconcile was over."""
    told_after_one: tuple[str, ...]
    orders_after_one: int
    sent: tuple[Sent, ...]
    passed: tuple[Passed, ...]
    unstruck: tuple[str, ...]
    """What should have gone wrong and never did."""
    excess: int
    """Contracts that working exits would buy beyond the short; 0 where none are."""
    crossed: int
    """The most contracts that were ever long: nothing here asks for one."""
    again: Delivery | None = None
    """The same alert once more, when all was settled."""
    orders_at_last: int = 0
    lines: tuple[str, ...] = field(default=(), repr=False)
    """What the instances logged meanwhile."""

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Return every delivery of every trigger."""
        return tuple(each for trigger in self.triggers for each in trigger)


def play(stage: Stage, cell: Cell) -> Outcome:
    """Return what became of a cell; the stage is left healthy and warm."""
    _prepare(stage, cell)
    mark = len(stage.lines)
    began = time.monotonic()
    body = alert(stage, cell)
    triggers = fire(stage, cell, body)
    _settle(stage, cell, began)
    at_once = _claim(stage)
    after = _reconcile(stage, cell)
    outcome = Outcome(
        cell=cell,
        triggers=tuple(tuple(trigger.made) for trigger in triggers),
        orders=tuple(_orders(stage)),
        claim=_claim(stage),
        told=tuple(stage.phone.events),
        claim_at_once=at_once,
        claim_after_one=after[0],
        told_after_one=after[1],
        orders_after_one=after[2],
        sent=tuple(_sent(stage)),
        passed=tuple(stage.director.passed),
        unstruck=tuple(_unstruck(stage, cell)),
        excess=_excess(stage),
        crossed=_crossed(stage),
        lines=tuple(stage.lines[mark:]),
    )
    outcome = _again(stage, cell, outcome, body)
    _mend(stage, cell)
    return outcome


def _prepare(stage: Stage, cell: Cell) -> None:
    stage.clear()
    lags = [wrong for wrong in cell.wrong if wrong.where == "lag"]
    for wrong in lags:
        strike(stage, wrong)
    if cell.kind in ("BUY", "PART", "ALL"):
        stage.short(1 if cell.kind == "BUY" else 2, ago=0 if lags else AGE)
    for wrong in cell.wrong:
        if not wrong.later and wrong not in lags:
            strike(stage, wrong)


def _settle(stage: Stage, cell: Cell, began: float) -> None:
    """End the faults; wait for what FYERS or an instance was asked to do slowly."""
    stage.director.disarm()
    stage.fyers.faults.clear()
    stage.phone.modes.clear()
    stage.backend.heal(all_of_it=True)
    if any(w.what in MODES for w in cell.wrong):
        pause(RECONNECT)
    slow = max(
        (w.seconds or SLOW[w.what] for w in cell.wrong if w.what in SLOW), default=0
    )
    if slow:
        pause(began + slow + 0.4 - time.monotonic())


SLOW = {"slow": 0.0, "late": 0.0, "rms_later": 0.2}
"""What still happens after the last reply, and how many seconds after."""


def _reconcile(stage: Stage, cell: Cell) -> tuple[str, tuple[str, ...], int]:
    """Run reconcile until all is settled; return claim, told, orders after one run."""
    later = [wrong for wrong in cell.wrong if wrong.later]
    if later:
        for wrong in later:
            strike(stage, replace(wrong, later=False))
        stage.wait(AGE)
        overlapping(stage, cell)
        _settle(stage, cell, time.monotonic())
        _revive(stage, cell)
    stage.wait(AGE)
    assert stage.reconcile() == 200, stage.lines[-20:]
    after = _claim(stage), tuple(stage.phone.events), len(list(_orders(stage)))
    stage.wait(AGE)
    assert stage.reconcile(1) == 200, stage.lines[-20:]
    return after


def _again(stage: Stage, cell: Cell, outcome: Outcome, body: bytes) -> Outcome:
    if cell.kind == "KEYLESS" or cell.rivals or cell.then:
        # By now the same text is another alert; of several, each has its own claim.
        return replace(outcome, orders_at_last=len(outcome.orders))
    post = partial(stage.post, 1)
    again = Trigger(post, body, "again")
    again.go()
    return replace(
        outcome, again=again.made[0], orders_at_last=len(list(_orders(stage)))
    )


def _mend(stage: Stage, cell: Cell) -> None:
    """Leave both instances alive, warm and logged in."""
    stage.director.disarm()
    _revive(stage, cell)
    if any(w.where in COOLED or w.what in COOLED for w in cell.wrong):
        stage.clear()
        stage.log_in()
        stage.cool()


COOLED = ("login", "token", "symbols", "bucket", "expired", "cold")
"""What leaves an instance with less, or other, in memory than it had."""


def _revive(stage: Stage, cell: Cell) -> None:
    if any(wrong.what == "kill" for wrong in cell.wrong):
        for server in range(len(stage.urls)):
            stage.warm(server)


def _orders(stage: Stage) -> Any:
    """Yield the rows of tagged orders, which the alert made; a person's have no tag."""
    before = {attempt[:20] for attempt in stage.before}
    for row in stage.fyers.api.order_rows():
        number, _, tag = str(row["orderTag"]).partition(":")
        if number == "1" and tag not in before and not row.get("parentId"):
            yield row


def _claim(stage: Stage) -> str:
    claims = [c for c in stage.backend.claims() if c["attempt"] not in stage.before]
    return "+".join(sorted({str(claim["state"]) for claim in claims})) or "none"


def _sent(stage: Stage) -> Any:
    for call in list(stage.fyers.calls):
        if (call.method, call.path) == ("POST", "/api/v3/orders/sync"):
            tag = call.content.partition('"orderTag":')[2].strip(' "')[:20]
            yield Sent(tag, call.fault, call.status)


def _unstruck(stage: Stage, cell: Cell) -> Iterator[str]:
    struck = {(p.point, p.told.removeprefix("network-")) for p in stage.director.passed}
    for call in stage.fyers.calls:
        for kind in call.fault.split(","):
            struck |= {
                (where, kind)
                for where, (method, path) in CALLS.items()
                if (call.method, call.path) == (method, path)
            }
    for wrong in cell.wrong:
        kind = ALIASES.get(wrong.what, wrong.what)
        if wrong.where in (*CALLS, *STEPS) and (wrong.where, kind) not in struck:
            yield str(wrong)


def _crossed(stage: Stage) -> int:
    """Return the most contracts that were long at any time."""
    net = most = 0
    for trade in stage.fyers.exchange.trades:
        net += trade.qty * trade.order.side
        most = max(most, net)
    return most


def _excess(stage: Stage) -> int:
    """Return how many contracts the exits would buy beyond the short."""
    legs: dict[str, int] = {}
    for row in stage.fyers.api.order_rows():
        parent = row.get("parentId")
        if parent and row["status"] == 6:
            left = int(str(row["remainingQuantity"]))
            legs[str(parent)] = max(legs.get(str(parent), 0), left)
    return max(0, sum(legs.values()) - max(0, -stage.net()))
