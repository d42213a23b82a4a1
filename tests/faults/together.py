"""What happens at the same time: equal alerts, instances standing still, overlaps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

from local.standins import tradingview
from local.standins.tradingview import APART, CUT, GONE, Trigger
from tests.faults.cells import Cell
from tests.faults.director import pause
from tests.faults.stage import Stage
from tests.support.network import MODES

RUN_APART = 60.0
"""Seconds between two runs of reconcile."""

RECONNECT = 1.3
"""Seconds gRPC waits before it tries a lost connection again; TradingView waits 5."""

_numbers = count(1)


def fire(stage: Stage, cell: Cell, body: bytes) -> list[Trigger]:
    """Let the cell's alert fire; return every trigger with its deliveries.

    The deliveries reach the two instances in turn.
    """
    turns = count()

    def post(body: bytes, request_id: str, timeout: float) -> Any:
        return stage.post(next(turns) % 2, body, request_id, timeout)

    on_death = GONE if GONE in "/".join(cell.replies).split("/") else CUT
    name = f"cell{next(_numbers)}"
    bodies = [body] * cell.times
    if cell.rivals:
        bodies = [body, *(alert(stage, cell) for _ in bodies[1:])]
    triggers = [
        Trigger(post, each, f"{name}{chr(ord('a') + n)}", on_death)
        for n, each in enumerate(bodies)
    ]
    wait = partial(_wait, stage, cell)
    holds = [wrong for wrong in cell.wrong if wrong.what == "hold"]
    if not cell.meanwhile or not holds or holds[0].later:
        tradingview.play(triggers, wait)
        if cell.then:
            wait(cell.then)
            triggers.append(Trigger(post, alert(stage, cell), f"{name}then", on_death))
            tradingview.play(triggers[-1:], wait)
        if cell.meanwhile == "reconcile" and not holds:
            stage.wait(RUN_APART)
            assert stage.reconcile(1) == 200
        return triggers
    (frozen,) = triggers
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(frozen.go)
        stage.director.until_held()
        if cell.meanwhile == "resend":
            triggers.append(Trigger(post, body, f"{name}again", on_death))
            wait(APART)
            tradingview.play(triggers[1:], wait)
        else:
            stage.wait(RUN_APART)
            assert stage.reconcile(1) == 200
        stage.director.release()
        running.result()
    return triggers


def alert(stage: Stage, cell: Cell) -> bytes:
    """Return an alert of the cell's kind, under a key of its own."""
    if cell.kind == "KEYLESS":
        return stage.alert("SELL", idempotency_key=...)
    if cell.kind == "PART":
        return stage.alert("BUY", qty=stage.lot)
    return stage.alert("BUY" if cell.kind == "ALL" else cell.kind)


def overlapping(stage: Stage, cell: Cell) -> None:
    """Run reconcile; where it is to stand still, run it once more meanwhile."""
    if not any(wrong.what == "hold" for wrong in cell.wrong):
        stage.reconcile()
        return
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(stage.reconcile)
        stage.director.until_held()
        assert stage.reconcile(1) == 200
        stage.director.release()
        assert running.result() == 200


def _wait(stage: Stage, cell: Cell, seconds: float) -> None:
    """Let time pass between deliveries; a write under way arrives meanwhile."""
    late = (w.seconds or 0 for w in cell.wrong if w.what == "late")
    cut = (RECONNECT for w in cell.wrong if w.what in MODES)
    pause(max(*late, *cut, 0, 0))
    stage.wait(seconds)
