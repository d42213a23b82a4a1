"""From an instance's start to its first order, beside the least a function can be."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.measuring.ground import Ground
from local.measuring.served import HELLO, ROOT, WEBHOOK, NotServed, serving

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Starts:
    """Seconds from process start to the reply, and to the order's arrival at FYERS."""

    replies: list[float] = field(default_factory=list)
    orders: list[float] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    """Starts that were too slow to send the order in time (503)."""

    @property
    def reply(self) -> float:
        """Return the median."""
        return statistics.median(self.replies)


def starts(
    ground: Ground, stores: Mapping[str, Mapping[str, str]], pairs: int, note: Note
) -> dict[str, Starts]:
    """Start hello and the webhook over each store in turn, `pairs` times.

    One more of each goes before, uncounted: it writes the compiled files.
    """
    seen = {name: Starts() for name in ("hello", *stores)}
    for turn in range(pairs + 1):
        for name, found in seen.items():
            ground.forget()
            source = HELLO if name == "hello" else WEBHOOK
            with serving(source, stores.get(name, {})) as instance:
                took = instance.first(ground.alert())
                began = instance.began
            if turn and took is None:
                found.late.append(turn)
            elif turn and took is not None:
                found.replies.append(took)
                found.orders.extend(call.at - began for call in ground.orders())
        note(f"cold start {turn} of {pairs}")
    if not seen["hello"].replies:
        raise NotServed("hello did not answer")
    return seen


def parts(ground: Ground, settings: Mapping[str, str], times: int) -> dict[str, float]:
    """Return each step's median seconds, taken one after another in a clean process."""
    return _medians(ground, settings, times, "steps")


def shortcuts(
    ground: Ground, settings: Mapping[str, str], times: int
) -> dict[str, float]:
    """Return the median seconds that two shortcuts save, and what is left."""
    return _medians(ground, settings, times, "shortcuts")


def _medians(
    ground: Ground, settings: Mapping[str, str], times: int, module: str
) -> dict[str, float]:
    seen: list[dict[str, float]] = []
    for _ in range(times):
        ground.forget()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"local.measuring.{module}"],
            input=ground.alert(),
            env={
                "PATH": os.environ["PATH"],
                "BENCH_BEGAN": repr(time.monotonic()),
                **settings,
            },
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=60,
        )
        if not done.returncode:  # else it came too late for its own deadline
            seen.append(json.loads(done.stdout.splitlines()[-1]))
    if not seen:
        raise NotServed(done.stderr.decode(errors="replace")[-2000:])
    return {name: statistics.median(one[name] for one in seen) for name in seen[0]}
