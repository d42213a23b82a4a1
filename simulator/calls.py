"""The record of every call a client made."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Call:
    """One call a client made."""

    at: float
    """Seconds on the simulator's ticks."""
    epoch: float
    method: str
    path: str
    content: str
    """The query and body, as sent."""
    status: int = 0
    """HTTP status of the reply; zero while it runs and where none went out."""
    fault: str = ""


def counted(calls: list[Call]) -> dict[str, dict[str, Any]]:
    """Return how often and when each endpoint was called, with its replies."""
    out: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"count": 0, "at": [], "statuses": [], "faults": []}
    )
    for call in calls:
        entry = out[f"{call.method} {call.path}"]
        entry["count"] += 1
        entry["at"].append(round(call.epoch, 4))
        entry["statuses"].append(call.status)
        entry["faults"].append(call.fault)
    return dict(out)


def busiest_second(calls: list[Call]) -> int:
    """Return the most FYERS calls in any window of one second."""
    times = sorted(c.at for c in calls if c.path.startswith(("/api/v3/", "/data/")))
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most
