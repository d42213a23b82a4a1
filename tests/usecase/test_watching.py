"""The watch over the watch, and the journal that is read from the store."""

from __future__ import annotations

import csv
import io
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from local import journal
from shared.adapters.kept import KeptDocument
from shared.adapters.sqlite import SqliteDocuments
from shared.config import Settings
from shared.guard import GuardState
from shared.wiring.process import deadline, forget
from shared.wiring.watching import beat, notice_silence
from tests.contract.loopback import Loopback, Request, read_request
from tests.usecase.world import TICKER, World

ADDRESS = "/ping/5f1c-owner"


class Listener:
    """A server of the owner's: a dead man's switch, or a channel of notices."""

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.status = 200
        self.server = Loopback(self._serve)

    def _serve(self, peer: socket.socket, over: threading.Event) -> None:
        with peer.makefile("rb") as lines:
            request = read_request(lines)
        assert request is not None
        self.heard.append(request)
        reply = f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close"
        peer.sendall(f"{reply}\r\n\r\n".encode())


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.server.close()


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in one folder, as on the owner's machine."""
    monkeypatch.setenv("STATE_BACKEND", "local")
    monkeypatch.setenv("LOCAL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("FYERS_APP_ID", "APP-100")
    forget()
    yield
    forget()


def settings(folder: Path, **more: str) -> Settings:
    env = {
        "STATE_BACKEND": "local",
        "LOCAL_STATE_DIR": str(folder),
        "FYERS_APP_ID": "APP-100",
    }
    return Settings.from_env(env | more, "reconcile")


def ran(folder: Path, ago: timedelta) -> None:
    """Let reconcile have run so long ago."""
    documents = SqliteDocuments(folder / "claims.sqlite")
    kept = KeptDocument(documents, "guard", "state", GuardState)
    kept.write(GuardState(datetime.now(UTC) - ago), None, deadline(5))


# --- The heartbeat --------------------------------------------------------------------


def test_a_run_pings_the_address(tmp_path: Path, listener: Listener) -> None:
    url = f"http://127.0.0.1:{listener.server.port}{ADDRESS}"
    beat(settings(tmp_path, HEARTBEAT_URL=url))
    assert [heard.path for heard in listener.heard] == [ADDRESS]


def test_no_address_no_ping(tmp_path: Path, listener: Listener) -> None:
    beat(settings(tmp_path))
    assert listener.heard == []


@pytest.mark.parametrize("fault", ["refused", "404", "nobody"])
def test_a_ping_that_is_not_taken_is_logged_without_its_address(
    tmp_path: Path,
    listener: Listener,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    port = listener.server.port
    if fault == "404":
        listener.status = 404
    if fault == "refused":
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    host = "127.0.0.1" if fault != "nobody" else "nobody.invalid"
    beat(settings(tmp_path, HEARTBEAT_URL=f"http://{host}:{port}{ADDRESS}"))
    kept = [r for r in caplog.records if r.levelno > logging.INFO]
    ours = [record.getMessage() for record in kept]
    assert any("the heartbeat was not taken" in text for text in ours)
    assert ADDRESS not in "".join(ours)


# --- Who notices that reconcile stopped -----------------------------------------------


def test_a_reconcile_that_stopped_is_told_once_an_hour(
    tmp_path: Path, listener: Listener
) -> None:
    ran(tmp_path, timedelta(minutes=7))
    url = f"json://127.0.0.1:{listener.server.port}/"
    for _ in range(3):
        notice_silence(settings(tmp_path, NOTIFICATION_URL=url))
    (heard,) = listener.heard
    assert b"reconcile has not run for 7 minutes" in heard.body
    assert b"positions in the FYERS app" in heard.body


@pytest.mark.parametrize("ago", [timedelta(minutes=4), None])
def test_a_reconcile_that_runs_or_never_ran_is_told_to_nobody(
    tmp_path: Path, listener: Listener, ago: timedelta | None
) -> None:
    if ago is not None:
        ran(tmp_path, ago)
    url = f"json://127.0.0.1:{listener.server.port}/"
    notice_silence(settings(tmp_path, NOTIFICATION_URL=url))
    assert listener.heard == []


# --- The journal ----------------------------------------------------------------------


@pytest.fixture
def day(tmp_path: Path) -> World:
    """A short that was covered, a refused alert, and one on paper."""
    world = World(tmp_path)
    world.send(key="a", strategy="breakout")
    world.wait(60)
    world.broker.prices[TICKER] = Decimal(80)
    world.send("BUY", key="b")
    world.reconcile(after=60)
    world.send(key="c", qty=66)
    world.wait(1)
    world.send(key="d", paper=True)
    return world


def test_the_journal_reads_as_a_trader_would_tell_the_day(
    day: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert journal.main(["--day", "2026-11-23"]) == 0
    sold, covered, refused, paper = capsys.readouterr().out.splitlines()
    first, last = day.broker.book[0].order_id, day.broker.book[-1].order_id
    assert sold == (
        "09:30:00  SELL NIFTY 25800 CE WEEKLY  DONE  "
        f"SELL 65 {TICKER} INTRADAY  {first}  at 100  stop 115.00  target 75.00  "
        "filled 65  price 100.00  ended 09:32:00  rupees 1300.00  breakout"
    )
    assert f"BUY 65 {TICKER} INTRADAY  {last}  at 80" in covered
    assert "rupees" not in covered
    assert "RELEASED  qty 66 is not a multiple of the lot size 65" in refused
    assert f"PAPER SELL 65 {TICKER} INTRADAY  PAPER-" in paper


def test_the_journal_as_csv_has_every_column(
    day: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert journal.main(["--day", "2026-11-23", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 4
    sold = rows[0]
    assert sold["rupees"] == "1300.00"
    assert (sold["stop"], sold["target"]) == ("115.00", "75.00")
    assert (sold["filled"], sold["ended"]) == ("65", "09:32:00")
    assert sold["strategy"] == "breakout"
    assert rows[2]["order"] == ""


def test_a_day_without_alerts_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert journal.main(["--day", "2026-11-21"]) == 0
    assert capsys.readouterr().out == "No alert came on 2026-11-21.\n"
