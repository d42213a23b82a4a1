"""`./dev.sh soak`: a short one is clean, and its audit sees what would not be."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

import simulator
from local.soak.audit import KINDS, Case, overtaken, wrong
from local.soak.closing import crossings, refused_while_open
from local.soak.monitor import BARE, REVERSED, STRAY, Episode, Monitor, Run, untold
from local.soak.phone import Heard
from local.soak.tradingview import Alert
from local.standins.tradingview import CUT, LATE, Delivery
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    Done,
    Released,
    Reply,
    Sending,
    State,
    Unknown,
)
from simulator.book import Order
from simulator.rules import MARKET, Wish
from tests.contract.claims_made import SLIP
from tests.meta.sources import ROOT

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
ATTEMPT = "0123456789abcdef0123456789abcdef"


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "local.soak", "--embedded", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_a_short_soak_doubles_loses_and_leaves_nothing(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    short = "--minutes", "0.12", "--rate", "4", "--kills", "3", "--seed", "11"
    with start(*short, "--json", str(summary)) as process:
        said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said
    found = json.loads(summary.read_text())
    assert {kind: found[kind] for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert found["alerts"] > 15
    assert found["orders"] > 0
    assert found["kills"] > 0


def test_an_interrupted_soak_leaves_no_process_behind() -> None:
    with start("--minutes", "1") as process:
        soak = psutil.Process(process.pid)
        end = time.monotonic() + 30
        while len(soak.children(recursive=True)) < 4 and time.monotonic() < end:
            time.sleep(0.1)  # two servers of a master and a worker each
        started = soak.children(recursive=True)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert len(started) == 4
    assert psutil.wait_procs(started, timeout=5)[1] == []


@pytest.fixture(scope="module")
def market() -> Iterator[simulator.Simulator]:
    with simulator.running() as fyers:
        yield fyers


@pytest.fixture
def fyers(market: simulator.Simulator) -> simulator.Simulator:
    market.exchange.clear()
    return market


def trade(fyers: simulator.Simulator, side: int, lots: int = 1, tag: str = "") -> Order:
    contract = fyers.market.catalogue.at_the_money("NIFTY")
    zero = Decimal(0)
    wish = Wish(contract, lots * contract.lot, MARKET, side, "INTRADAY", zero, zero)
    return fyers.exchange.place(dataclasses.replace(wish, tag=tag))


@pytest.fixture
def sold(fyers: simulator.Simulator) -> Order:
    """Return an order that traded at FYERS."""
    return trade(fyers, -1, tag=ATTEMPT[:20])


def reply(status: int | str, order: str = "") -> Delivery:
    body = json.dumps({"order_id": order}).encode()
    return Delivery("soak-1.11", str(status), body=body)


def told(event: str, message: str = "") -> Heard:
    return Heard("soak-1.11", event, message, "")


def claim(at: State, attempt: str = ATTEMPT) -> Claim:
    return ClaimAt(at, attempt, "f", NOW, NOW, "soak-1.11", "SELL", NOW)


DONE = claim(Done(Reply(200, ""), NOW))


def case(
    sold: Order,
    deliveries: list[Delivery],
    orders: int,
    notices: list[Heard],
    left: Claim | None,
) -> Case:
    contract = sold.wish.contract
    alert = Alert("soak-1", b"", "key", "SELL", contract, True, NOW, [deliveries])
    return Case(alert, [sold] * orders, notices, left)


def test_a_traded_alert_shows_nothing_wrong(sold: Order) -> None:
    good = [reply(200, order=sold.id)]
    assert wrong(case(sold, good, 1, [], DONE)) == []


@pytest.mark.parametrize("last", [reply(503), reply(400), reply(CUT)])
def test_an_alert_whose_sender_saw_it_fail_is_not_lost(
    sold: Order, last: Delivery
) -> None:
    assert wrong(case(sold, [last], 0, [], None)) == []


def test_a_denied_order_that_was_corrected_is_no_contradiction(sold: Order) -> None:
    heard = [told("not_sent"), told("order_found")]
    corrected = case(sold, [reply(LATE)], 1, heard, DONE)
    assert wrong(corrected) == []
    assert not overtaken(corrected)
    assert overtaken(dataclasses.replace(corrected, notices=heard[::-1]))


VIOLATIONS = {
    "a second order": (200, 2, [], DONE, "duplicates"),
    "no answer, no notice": (0, 0, [], None, "silently_lost"),
    "claimed for ever": (503, 0, [], claim(Claimed()), "unresolved"),
    "sending for ever": (202, 0, [], claim(Sending(SLIP)), "unresolved"),
    "unknown for ever": (202, 0, [], claim(Unknown(SLIP)), "unresolved"),
    "released and unheard of": (
        *(503, 0, [], claim(Released(NOW, retry=True))),
        "unresolved",
    ),
    "refused, yet there": (424, 1, [], DONE, "contradictions"),
    "not sent, yet there": (0, 1, [told("not_sent")], DONE, "contradictions"),
    "never sent, yet there": (
        *(0, 1, [told("bad_request", "no order was sent: …")], DONE),
        "contradictions",
    ),
    "an attempt nobody stored": (
        *(202, 1, [], claim(DONE.at, attempt="f" * 32)),
        "contradictions",
    ),
    "placed, yet nowhere": (200, 0, [], DONE, "phantom_successes"),
    "failed by the delivery that placed": (503, 1, [], DONE, "5xx_after_an_order"),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_the_audit_sees(sold: Order, violation: str) -> None:
    status, orders, notices, left, kind = VIOLATIONS[violation]
    deliveries = [reply(status or LATE, sold.id)]
    assert kind in wrong(case(sold, deliveries, orders, notices, left))


@pytest.mark.parametrize("status", [1, 5, 6])
def test_the_audit_sees_an_order_that_ended_badly_untold(
    sold: Order, status: int
) -> None:
    ended = dataclasses.replace(sold, status=status, filled=0)
    good = [reply(200, order=ended.id)]
    silent = case(ended, good, 1, [], DONE)
    assert wrong(silent) == ["untold_endings"]
    event = "unfilled" if status == 6 else "order_rejected"
    assert wrong(dataclasses.replace(silent, notices=[told(event)])) == []


# --- The account ---------------------------------------------------------------------


def test_a_cover_of_what_is_short_crosses_nothing(fyers: simulator.Simulator) -> None:
    trade(fyers, -1, tag=ATTEMPT[:20])
    trade(fyers, 1, tag="c" * 20)
    assert crossings(fyers) == []


def test_a_second_cover_of_one_short_crosses_zero(fyers: simulator.Simulator) -> None:
    trade(fyers, -1, tag=ATTEMPT[:20])
    lot = trade(fyers, 1, tag="c" * 20).qty
    trade(fyers, 1, tag="d" * 20)
    assert [(each.contracts, each.raced) for each in crossings(fyers)] == [(lot, False)]


def test_a_cover_beside_a_hand_that_bought_was_raced(
    fyers: simulator.Simulator,
) -> None:
    trade(fyers, -1, tag=ATTEMPT[:20])
    trade(fyers, 1)
    trade(fyers, 1, tag="c" * 20)
    assert [each.raced for each in crossings(fyers)] == [True]


@pytest.mark.parametrize(("open_for", "refused"), [(60, 1), (1, 0)])
def test_a_cover_refused_for_good_beside_a_short_is_seen(
    fyers: simulator.Simulator, sold: Order, open_for: float, refused: int
) -> None:
    """A short so young that FYERS may not have shown it is no reproach."""
    at = fyers.options.clock().timestamp() + open_for
    said = Delivery("soak-1.11", "400", "no_short_position", seconds=0.1, at=at)
    contract = sold.wish.contract
    cover = Alert("soak-1", b"", "key", "BUY", contract, True, NOW, [[said]])
    assert len(refused_while_open(fyers, [cover])) == refused


def test_the_monitor_sees_a_short_without_a_stop_until_it_has_one(
    fyers: simulator.Simulator,
) -> None:
    monitor = Monitor(fyers)
    trade(fyers, -1)
    monitor.look()
    assert [(each.kind, each.ended) for each in monitor.all] == [(BARE, None)]
    trade(fyers, 1)
    monitor.look()
    assert [each.ended is None for each in monitor.all] == [False]


def test_the_monitor_sees_a_long_nobody_asked_for(fyers: simulator.Simulator) -> None:
    trade(fyers, 1)
    monitor = Monitor(fyers)
    monitor.look()
    assert [each.kind for each in monitor.all] == [REVERSED]


RUNS = [Run(10.0, 12.0), Run(20.0, 22.0), Run(80.0, 82.0), Run(90.0, 92.0)]


def word(event: str, at: float) -> Heard:
    return Heard("", event, "", "NSE:X", "CRITICAL", at)


@pytest.mark.parametrize(
    ("kind", "ended", "heard", "silent"),
    [
        (STRAY, None, [], True),
        (STRAY, 19.0, [], False),
        (STRAY, None, [word("exits_left_behind", 21.0)], False),
        (STRAY, None, [word("exits_left_behind", 81.0)], True),
        (STRAY, None, [word("exits_missing", 21.0)], True),
        (BARE, 70.0, [], False),
        (BARE, None, [word("exits_missing", 81.0)], False),
        (BARE, None, [word("exits_missing", 91.0)], True),
        (REVERSED, None, [word("unexpected_position", 11.0)], False),
    ],
)
def test_what_lasts_beyond_the_second_run_must_have_been_told(
    kind: str, ended: float | None, heard: list[Heard], silent: bool
) -> None:
    episode = Episode(kind, "NSE:X", 5.0, 65, ended)
    assert untold(episode, RUNS, heard) is silent
