"""Entries die by SIGKILL at every step between their place and their order.

Two instances of the functions, real processes over HTTP, share a limit of two. Never an
order above it; and a place whose entry never came to be sent is free after two minutes.
One that may have been sent keeps its place of the day, whatever became of its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests

from tests.faults.director import EVER, Script
from tests.faults.stage import Stage, staged
from tests.support.backends import Embedded

LIMIT = 2
AT_ONCE = 6
A_MINUTE = 61.0

RULES = {
    "entries": {"MAX_ENTRIES_PER_DAY": str(LIMIT)},
    "lots": {"MAX_OPEN_LOTS": str(LIMIT)},
}

UNSENT = (
    *(("create", "after"), ("control", "before"), ("control", "after")),
    *(("ledger", "after"), ("quote", "after"), ("positions", "after")),
    *(("sending", "before"),),
)
LOST = (("sending", "after"), ("place", "before"))
"""FYERS never got the order, and nobody can know it at once."""
TAKEN = (("place", "after"), ("done", "before"), ("done", "after"))

STEPS = [*UNSENT, *LOST, *TAKEN]


@pytest.fixture(scope="module", params=list(RULES))
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Stage]]:
    """Two instances under one of the limits."""
    folder = tmp_path_factory.mktemp("places")
    with staged(folder, Embedded(folder / "state"), RULES[request.param]) as stage:
        yield request.param, stage


def taken(stage: Stage) -> int:
    """Return the entries that FYERS accepted."""
    return sum(
        1
        for row in stage.fyers.api.order_rows()
        if row["status"] != 5 and not row.get("parentId")
    )


def deliver(stage: Stage, number: int) -> int:
    """Let one entry fire, again after a 503; return its last status."""
    for _ in range(4):
        reply = stage.post(number % 2, stage.alert("SELL"), f"entry{number}", 30)
        if reply.status_code != 503:
            break
    return reply.status_code


def rush(stage: Stage) -> list[int]:
    """Let entries reach both instances at once; return their statuses."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(partial(deliver, stage), range(AT_ONCE)))


def fill(stage: Stage) -> list[int]:
    """Let one entry after another use what is left; return their statuses."""
    found = []
    for number in range(LIMIT + 1):
        stage.wait(2)  # FYERS's limit a second is another test's subject
        found.append(deliver(stage, number))
    return found


def die(stage: Stage, step: str, when: str) -> bytes:
    """Deliver an entry to an instance that dies at that step; return its body."""
    body = stage.alert("SELL")
    stage.director.arm(Script(step, when, "kill", times=EVER, server=0))
    with pytest.raises(requests.ConnectionError):
        stage.post(0, body, "dead", 30)
    stage.director.disarm()
    stage.warm(0)
    return body


@pytest.mark.parametrize("resent", [True, False], ids=["resent", "gone"])
@pytest.mark.parametrize(("step", "when"), STEPS)
def test_no_death_lets_an_order_through_or_loses_a_place(
    served: tuple[str, Stage], step: str, when: str, resent: bool
) -> None:
    rule, stage = served
    stage.clear()
    body = die(stage, step, when)
    if resent:
        stage.wait(5)
        stage.post(1, body, "again", 30)
    first = rush(stage)
    assert taken(stage) <= LIMIT, first
    for server in (0, 1):
        stage.wait(A_MINUTE)
        assert stage.reconcile(server) == 200
    second = fill(stage)
    used_for_good = rule == "entries" and (step, when) in LOST
    assert taken(stage) == LIMIT - used_for_good, (first, second, stage.lines[-20:])


def test_what_a_dead_entry_reserved_is_kept_from_others_until_it_is_free(
    served: tuple[str, Stage],
) -> None:
    """Without its place counted, the others would fill the limit beside it."""
    _, stage = served
    stage.clear()
    die(stage, "sending", "before")
    fill(stage)
    assert taken(stage) == LIMIT - 1
    stage.wait(2 * A_MINUTE)
    fill(stage)
    assert taken(stage) == LIMIT
