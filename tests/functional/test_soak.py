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
from typing import Any

import psutil
import pytest

import simulator
from local.soak.audit import KINDS, Case, overtaken, wrong
from local.soak.phone import Heard
from local.soak.tradingview import CUT, LATE, Alert, Delivery
from shared.idempotency import Claim, State
from simulator.book import Order
from simulator.rules import MARKET, Wish
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
def sold() -> Iterator[Order]:
    """Return an order that traded at FYERS."""
    with simulator.running() as fyers:
        contract = fyers.market.catalogue.at_the_money("NIFTY")
        zero = Decimal(0)
        wish = Wish(contract, contract.lot, MARKET, -1, "INTRADAY", zero, zero)
        tagged = dataclasses.replace(wish, tag=ATTEMPT[:20])
        yield fyers.exchange.place(tagged)


def reply(status: int, seen: str = "", order: str = "") -> Delivery:
    return Delivery("soak-1.11", "one", status, seen, order, False, 0.1)


def told(event: str, message: str = "") -> Heard:
    return Heard("soak-1.11", event, message, "")


def claim(state: State, **changes: Any) -> Claim:
    made = Claim(state, ATTEMPT, "f", NOW, NOW, "soak-1.11", "SELL", NOW)
    return dataclasses.replace(made, **changes)


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
    assert wrong(case(sold, good, 1, [], claim(State.DONE))) == []


@pytest.mark.parametrize("last", [reply(503), reply(400), reply(0, CUT)])
def test_an_alert_whose_sender_saw_it_fail_is_not_lost(
    sold: Order, last: Delivery
) -> None:
    assert wrong(case(sold, [last], 0, [], None)) == []


def test_a_denied_order_that_was_corrected_is_no_contradiction(sold: Order) -> None:
    heard = [told("not_sent"), told("order_found")]
    corrected = case(sold, [reply(0, LATE)], 1, heard, claim(State.DONE))
    assert wrong(corrected) == []
    assert not overtaken(corrected)
    assert overtaken(dataclasses.replace(corrected, notices=heard[::-1]))


DONE = claim(State.DONE)
VIOLATIONS = {
    "a second order": (200, 2, [], DONE, "duplicates"),
    "no answer, no notice": (0, 0, [], None, "silently_lost"),
    "claimed for ever": (503, 0, [], claim(State.CLAIMED), "unresolved"),
    "sending for ever": (202, 0, [], claim(State.SENDING), "unresolved"),
    "unknown for ever": (202, 0, [], claim(State.UNKNOWN), "unresolved"),
    "released and unheard of": (
        *(503, 0, [], claim(State.RELEASED, retry=True)),
        "unresolved",
    ),
    "refused, yet there": (424, 1, [], DONE, "contradictions"),
    "not sent, yet there": (0, 1, [told("not_sent")], DONE, "contradictions"),
    "never sent, yet there": (
        *(0, 1, [told("bad_request", "no order was sent: …")], DONE),
        "contradictions",
    ),
    "an attempt nobody stored": (
        *(202, 1, [], claim(State.DONE, attempt="f" * 32)),
        "contradictions",
    ),
    "placed, yet nowhere": (200, 0, [], DONE, "phantom_successes"),
    "failed by the delivery that placed": (503, 1, [], DONE, "5xx_after_an_order"),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_the_audit_sees(sold: Order, violation: str) -> None:
    status, orders, notices, left, kind = VIOLATIONS[violation]
    deliveries = [reply(status, LATE if not status else "", sold.id)]
    assert kind in wrong(case(sold, deliveries, orders, notices, left))


@pytest.mark.parametrize("status", [1, 5, 6])
def test_the_audit_sees_an_order_that_ended_badly_untold(
    sold: Order, status: int
) -> None:
    ended = dataclasses.replace(sold, status=status, filled=0)
    good = [reply(200, order=ended.id)]
    silent = case(ended, good, 1, [], claim(State.DONE))
    assert wrong(silent) == ["untold_endings"]
    event = "unfilled" if status == 6 else "order_rejected"
    assert wrong(dataclasses.replace(silent, notices=[told(event)])) == []
