"""What our own code adds to a warm instance's alerts, and what the instance holds."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local.measuring.distance import Distance
from local.measuring.ground import Ground, is_order
from local.measuring.served import PATIENCE, Served
from shared.adapters.documents import Write
from shared.adapters.firestore import FirestoreDocuments
from shared.models import Deadline
from simulator.calls import Call

Note = Callable[[str], None]

ALERTS = 500
FYERS_CHAIN = 2
"""Quote and positions together, then the order."""
STORE_CHAIN = 3
"""CLAIMED, SENDING, DONE."""

_LOT = 25
"""Alerts between two emptyings of FYERS's books, whose length costs the simulator."""


@dataclass(slots=True)
class Series:
    """One run of alerts, one after another, each over a connection of its own."""

    delay: float
    """Seconds FYERS, and Firestore where it is used, take for each call."""
    chain: int
    """Delays that follow each other in one alert."""
    totals: list[float] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    """Seconds from an alert's sending to its order's arrival at FYERS."""
    before: list[int] = field(default_factory=list)
    """FYERS's round trips in series before the order left, where delays show them."""
    calls: list[int] = field(default_factory=list)
    """FYERS calls of each alert."""
    processor: float | None = None
    """Processor seconds of the instance for one alert, where the system tells."""

    def added(self, share: float) -> float:
        """Return a quantile of the time our own code added, seconds."""
        return quantile(self.totals, share) - self.chain * self.delay


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the others do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def series(
    ground: Ground,
    instance: Served,
    delay: float,
    alerts: int,
    note: Note,
    empty: Callable[[], None],
    store: Distance | None = None,
    most_seconds: float = 90.0,
) -> Series:
    """Send alerts one after another, at most for some seconds.

    `empty` drops the claims. `store` is the way to Firestore; without one the store is
    embedded and as near as the disk.
    """
    found = Series(delay, FYERS_CHAIN + (STORE_CHAIN if store else 0))
    ground.fyers.options.delay_ms = delay * 1000
    if store is not None:
        store.delay = delay
    end, spent = time.monotonic() + most_seconds, instance.processor()
    for number in range(alerts):
        if number % _LOT == 0:
            note(f"{delay * 1000:.0f} ms delays, alert {number} of {alerts}")
            empty()
        ground.forget()
        alert, began = ground.alert(), time.monotonic()
        answer = instance.deliver(alert)
        instance.must(answer)
        found.totals.append(answer.seconds)
        found.leaves += [order.at - began for order in ground.orders()]
        calls = [call for call in ground.fyers.calls if call.path.startswith("/")]
        found.calls.append(len(calls))
        if delay:
            found.before.append(_rounds(calls, delay))
        if time.monotonic() > end:
            break
    if spent is not None and (now := instance.processor()) is not None:
        found.processor = (now - spent) / len(found.totals)
    ground.fyers.options.delay_ms = 0
    if store is not None:
        store.delay = 0
    return found


def store_alone(place: str, times: int = 100) -> tuple[float, float]:
    """Return the median seconds of a commit and of a query, without any function.

    What an instance cannot be faster than: three commits follow each other in an entry,
    and a query of the claims that are watched.
    """
    project = f"bench-{uuid.uuid4().hex[:12]}"
    documents = FirestoreDocuments(project, "(default)", time.sleep, place)
    claim = {
        "ledger": "NSE:X",
        "what": "SELL NIFTY 25800 CE WEEKLY",
        "notes": "x" * 900,
    }
    commits, queries = [], []
    for number in range(times):
        limit = Deadline(time.monotonic() + PATIENCE, time.monotonic)
        write = Write("alerts", f"{number:064d}", claim, None)
        commits.append(_took(lambda: documents.commit((write,), limit)))  # noqa: B023  # called here
        queries.append(
            _took(lambda: documents.find("alerts", "ledger", None, 12, limit))  # noqa: B023  # called here
        )
    half = times // 2  # the first ones warm the emulator
    return quantile(commits[half:], 0.5), quantile(queries[half:], 0.5)


def _took(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _rounds(calls: list[Call], delay: float) -> int:
    """Return how many calls before the order had to wait for one before them."""
    rounds, ready = 0, 0.0
    for call in sorted(calls, key=lambda one: one.at):
        if is_order(call):
            break
        if call.at >= ready:
            rounds, ready = rounds + 1, call.at + delay
    return rounds


def fill(
    ground: Ground,
    instance: Served,
    alerts: int,
    note: Note,
    empty: Callable[[], None],
) -> None:
    """Send alerts that nobody measures."""
    for number in range(alerts):
        if number % _LOT == 0:
            ground.forget()
            empty()
            note(f"memory, alert {number} of {alerts}")
        instance.must(instance.deliver(ground.alert()))
