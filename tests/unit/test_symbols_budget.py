"""What a full-size master costs: the reference file, 101,409 rows, 18.6 MB.

Processor time and not the clock on the wall, and the best of a few: what shares a core
with this process slows it down even by that clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MASTER = ROOT.parent / "shared" / "data" / "NSE_FO_20260209.csv.gz"

MEASURE = """
import gzip, json, resource, sys, time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from shared.models import IST, Deadline, ExpiryWord, OptionType
from shared.symbols import Symbols
from shared.symbols.master import build

NOW = datetime(2026, 2, 9, 20, 0, tzinfo=IST)

class Store:
    def read(self, deadline):
        return built.data

def timed(work, times):
    best = []
    for _ in range(7):
        start = time.thread_time()
        for _ in range(times):
            work()
        best.append((time.thread_time() - start) / times)
    return min(best)

def peak_megabytes():
    # Linux carries the parent's ru_maxrss over the exec; VmHWM is this program's own.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

def find(symbols):
    strike, nearest = Decimal(25800), ExpiryWord.WEEKLY
    return symbols.find("NIFTY", nearest, strike, OptionType.CE, forever)

forever = Deadline(1e9, lambda: 0.0)
spent = []
for _ in range(3):
    with gzip.open(sys.argv[1], "rt", encoding="utf-8") as lines:
        start = time.process_time()
        built = build(lines, NOW)
        spent.append(time.process_time() - start)
peak = peak_megabytes()
warm = Symbols({"NSE": Store()}, lambda: NOW)
find(warm)
print(json.dumps({
    "seconds": min(spent),
    "megabytes": peak,
    "bytes": len(built.data),
    "cold": timed(lambda: find(Symbols({"NSE": Store()}, lambda: NOW)), 5),
    "warm": timed(lambda: find(warm), 2000),
    "rows": built.summary.rows,
    "contracts": built.summary.contracts,
    "underlyings": built.summary.underlyings,
    "broken": built.summary.broken,
    "ticker": find(warm).ticker,
}))
"""


@dataclass(frozen=True)
class Cost:
    """What one build and its lookups took; seconds of processor time."""

    seconds: float
    megabytes: float
    bytes: int
    cold: float
    warm: float
    rows: int
    contracts: int
    underlyings: int
    broken: int
    ticker: str


@pytest.fixture(scope="module")
def cost() -> Cost:
    if not MASTER.exists():
        pytest.skip("the reference master is not on this machine")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(MASTER)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return Cost(**json.loads(done.stdout))


def test_every_contract_of_the_reference_file_is_kept(cost: Cost) -> None:
    found = (cost.rows, cost.contracts, cost.underlyings, cost.broken)
    assert found == (101_409, 100_776, 212, 0)


def test_the_reference_contract_is_found(cost: Cost) -> None:
    assert cost.ticker == "NSE:NIFTY2621025800CE"


def test_a_build_takes_a_second_at_most(cost: Cost) -> None:
    assert cost.seconds < 1.0  # 0.3 when idle, unzipping included


def test_a_build_takes_a_hundred_megabytes_at_most(cost: Cost) -> None:
    assert cost.megabytes < 100  # 36 measured


def test_a_snapshot_is_small(cost: Cost) -> None:
    assert cost.bytes < 1_000_000  # 637 kB measured


def test_a_cold_lookup_takes_milliseconds(cost: Cost) -> None:
    assert cost.cold < 0.02  # 1.3 ms when idle


def test_a_warm_lookup_takes_microseconds(cost: Cost) -> None:
    assert cost.warm < 20e-6  # 2 µs when idle
