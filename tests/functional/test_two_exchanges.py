"""refresh-symbols and warming with a master at each exchange, over HTTP and files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import simulator
from shared.errors import Unavailable
from shared.models import Deadline, ExpiryWord
from shared.symbols import Snapshot
from shared.wiring import parts, process, symbols, warming
from simulator import Fault, Simulator, master
from tests.fakes.notifier import MemoryNotifier
from tests.unit.symbol_rows import row

TODAY = process.clock().date()
MONTHLY = date(TODAY.year + 1, 1, 28)


def bse(stocks: int = 12) -> list[str]:
    """Return a master of BSE with as many rows as a real one has at the least."""
    return [
        row(
            name,
            MONTHLY,
            f"{strike}.0",
            side,
            monthly=True,
            exchange="BSE",
            file_date=str(TODAY),
        )
        for name in ("SENSEX", *(f"STOCK{number}" for number in range(stocks)))
        for strike in range(1000, 1050)
        for side in ("CE", "PE")
    ]


@pytest.fixture(scope="module")
def served() -> Iterator[Simulator]:
    with simulator.running() as running:
        running.serve_master(master.text(bse()), "BSE")
        yield running


@pytest.fixture
def masters(served: Simulator) -> Iterator[Simulator]:
    """Yield a FYERS with a master of each exchange; a test may spoil one."""
    yield served
    served.faults.clear()


def fail(masters: Simulator, exchange: str) -> None:
    """Let the master of an exchange be a server error."""
    address = {"NSE": masters.master_url, "BSE": masters.bse_master_url}[exchange]
    masters.faults.add(Fault(kind="500", path=urlsplit(address).path, times=-1))


@pytest.fixture
def inbox(
    masters: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MemoryNotifier]:
    """Wire the functions to the masters and a folder; return what the owner is told."""
    found = MemoryNotifier()
    env = {
        "STATE_BACKEND": "local",
        "LOCAL_STATE_DIR": str(tmp_path),
        "FYERS_APP_ID": "A-100",
        "FYERS_SECRET_ID": "s",
        "FYERS_PIN": "1",
        "WEBHOOK_SECRET_TOKEN": "a-hook-of-twenty-characters",
        "SYMBOL_MASTER_URLS": f"{masters.master_url},{masters.bse_master_url}",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(parts, "notifier", lambda _: found)
    monkeypatch.setattr(warming, "_built", {})
    process.forget()
    yield found
    process.forget()


def snapshot(folder: Path, exchange: str) -> Snapshot:
    return Snapshot((folder / "symbols" / f"{exchange}_FO.zip").read_bytes())


def forever() -> Deadline:
    return process.deadline(30)


def test_both_exchanges_are_refreshed(inbox: MemoryNotifier, tmp_path: Path) -> None:
    said = symbols.refresh_all()
    assert said["success"] is True
    assert said["exchanges"] == {
        name: {
            "rows": found.rows,
            "contracts": found.contracts,
            "underlyings": found.underlyings,
            "left_out": [],
            "file_date": str(found.as_of),
        }
        for name in ("NSE", "BSE")
        for found in [snapshot(tmp_path, name).summary]
    }
    assert inbox.notices == []
    found = parts.symbols(process.settings("webhook"))
    sensex = found.expiry("SENSEX", ExpiryWord.WEEKLY, forever())
    assert (sensex.exchange, sensex.day) == ("BSE", MONTHLY)
    assert found.expiry("NIFTY", ExpiryWord.WEEKLY, forever()).exchange == "NSE"


@pytest.mark.parametrize(("down", "other"), [("BSE", "NSE"), ("NSE", "BSE")])
def test_a_master_that_fails_leaves_the_other_and_is_told(
    down: str, other: str, inbox: MemoryNotifier, masters: Simulator, tmp_path: Path
) -> None:
    symbols.refresh_all()
    before = {name: snapshot(tmp_path, name).summary for name in (down, other)}
    fail(masters, down)
    with pytest.raises(Unavailable, match=f"^{down} symbols not refreshed"):
        symbols.refresh_all()
    assert snapshot(tmp_path, down).summary == before[down]
    assert snapshot(tmp_path, other).summary.built_at > before[other].built_at
    assert inbox.events == ["symbols_not_refreshed"]
    assert down in inbox.notices[0].message


def test_an_odd_underlying_is_told_by_name(
    inbox: MemoryNotifier, masters: Simulator, tmp_path: Path
) -> None:
    symbols.refresh_all()
    odd = [line.replace(",65,", ",0,") if "STOCK3," in line else line for line in bse()]
    masters.serve_master(master.text(odd), "BSE")
    symbols.refresh_all()
    masters.serve_master(master.text(bse()), "BSE")
    assert snapshot(tmp_path, "BSE").summary.left_out == ("STOCK3",)
    assert inbox.events == ["symbols_left_out"]
    assert inbox.notices[0].message.startswith("STOCK3: ")


def test_warming_builds_what_is_missing_and_does_without_bse(
    inbox: MemoryNotifier, masters: Simulator, tmp_path: Path
) -> None:
    ours = process.settings("webhook")
    fail(masters, "BSE")
    warming._symbols(ours)
    assert snapshot(tmp_path, "NSE").summary.exchange == "NSE"
    masters.faults.clear()
    warming._symbols(ours)  # too soon for another try
    assert not (tmp_path / "symbols" / "BSE_FO.zip").exists()
    symbols.refresh_all()
    warming._symbols(ours)
    assert parts.symbols(ours).describe("BSE") is not None


def test_warming_fails_without_nse(inbox: MemoryNotifier, masters: Simulator) -> None:
    fail(masters, "NSE")
    with pytest.raises(Unavailable, match=r"^NSE symbols not refreshed"):
        warming._symbols(process.settings("webhook"))
