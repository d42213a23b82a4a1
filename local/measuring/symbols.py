"""What the symbol snapshot costs, by the number of rows."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from local.measuring.served import ROOT
from local.measuring.table import Row
from shared.models import Deadline, ExpiryWord, OptionType
from shared.symbols import Symbols
from shared.symbols.master import build
from simulator import master
from simulator.options import IST

LOOKUP_MICROS = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time and bytes."""

    rows: int
    build: float
    memory: int
    """What building added to the process at its peak."""
    size: int
    """Of the snapshot."""
    cold: float
    """Opening the snapshot and one member, up to the contract."""
    warm: float
    """The next lookup."""


def cost(rows: int) -> Cost:
    """Measure in a process of its own."""
    lines = master.lines(datetime.now(IST).date(), rows=rows)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(master.text(lines))
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "local.measuring.symbols", file.name],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            check=True,
            timeout=120,
        )
    return Cost(**json.loads(done.stdout))


def table(costs: Sequence[Cost]) -> Iterator[Row]:
    """Yield the rows of the table; memory may grow as fast as the file does."""
    group = "Symbol snapshot, processor time (ratio: to the smallest)"
    least, last = costs[0], costs[-1]
    for one in costs:
        name, grown = f"{one.rows:,} rows", one.rows / least.rows
        ratio = one.build / least.build
        yield Row(group, f"{name}, build", one.build * 1000, "ms", ratio)
        memory = one.memory / least.memory
        yield Row(
            group,
            f"{name}, build's memory",
            one.memory / 1e6,
            "MB",
            memory,
            f"≤ {grown:.1f}×",
            memory <= grown * 1.25,
            f"snapshot {one.size / 1000:.0f} kB",
        )
        ratio = one.cold / least.cold
        yield Row(group, f"{name}, lookup cold", one.cold * 1000, "ms", ratio)
    micros, ratio = last.warm * 1e6, last.warm / least.warm
    yield Row(
        group, "lookup warm", micros, "µs", ratio, "< 20 µs", micros < LOOKUP_MICROS
    )


NEAREST = ExpiryWord.WEEKLY


class _Store:
    """A snapshot that needs no download."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _deadline: Deadline) -> bytes | None:
        return self._data

    def write(self, snapshot: bytes, _deadline: Deadline) -> None:
        self._data = snapshot


def _best(work: Callable[[], object], times: int) -> float:
    """Return the seconds of one call in the best of seven rounds."""
    rounds = []
    for _ in range(7):
        start = time.thread_time()
        for _ in range(times):
            work()
        rounds.append((time.thread_time() - start) / times)
    return min(rounds)


def _peak() -> int:
    # Linux carries the parent's ru_maxrss over the exec; VmHWM is this program's own.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: bytes


def main() -> None:
    """Build from the file named, look contracts up, print the cost as JSON."""
    now, before = datetime.now(UTC), _peak()
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        start = time.process_time()
        built = build(lines, now)
        spent = time.process_time() - start
    memory = _peak() - before
    forever = Deadline(1e9, lambda: 0.0)
    strike = _strike(built.data, now, forever)

    def find(symbols: Symbols) -> object:
        return symbols.find("NIFTY", NEAREST, strike, OptionType.CE, forever)

    def made() -> Symbols:
        return Symbols({"NSE": _Store(built.data)}, lambda: now)

    warm = made()
    find(warm)
    seen = {
        "rows": built.summary.rows,
        "build": spent,
        "memory": memory,
        "size": len(built.data),
        "cold": _best(
            lambda: find(Symbols({"NSE": _Store(built.data)}, lambda: now)), 5
        ),
        "warm": _best(lambda: find(warm), 2000),
    }
    print(json.dumps(seen))


def _strike(data: bytes, now: datetime, forever: Deadline) -> Decimal:
    """Return a listed NIFTY strike."""
    symbols = Symbols({"NSE": _Store(data)}, lambda: now)
    for strike in range(10_000, 60_000, 50):
        try:
            symbols.find("NIFTY", NEAREST, Decimal(strike), OptionType.CE, forever)
        except Exception:  # noqa: S112 - the next one may be listed
            continue
        return Decimal(strike)
    raise ValueError("no NIFTY strike is listed")


if __name__ == "__main__":
    main()
