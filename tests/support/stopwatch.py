"""What something took, without what the machine kept it waiting for a processor.

A bound on time is a promise of the code. On a busy machine runnable threads wait for
their turn, and Linux counts how long; elsewhere nothing is taken off.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from types import TracebackType

import psutil

_Waits = dict[tuple[int, str], int]


class Stopwatch:
    """Runs while its block does."""

    def __enter__(self) -> Stopwatch:
        self._before = _waits()
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        elapsed = time.monotonic() - self._began
        waits = _waits()
        self.waited = sum(
            max(0, waits[one] - self._before.get(one, 0)) / 1e9 for one in waits
        )
        """Seconds that threads of this process and its servers were kept waiting."""
        self.seconds = elapsed - self.waited


def _waits() -> _Waits:
    """Return how long each thread of this process and its children queued, ns."""
    here = psutil.Process()
    found: _Waits = {}
    for process in (here, *here.children(recursive=True)):
        for task in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # it has just ended
                found[process.pid, task.parent.name] = int(task.read_text().split()[1])
    return found
