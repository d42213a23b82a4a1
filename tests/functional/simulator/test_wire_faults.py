"""Faults on the wire, before or after an order exists."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from simulator import Fault, Simulator
from tests.functional.simulator.conftest import ORDERS, Client


def orders_after(
    sim: Simulator, client: Client, order: dict[str, Any], fault: Fault
) -> tuple[object, int]:
    """Place an order under a fault; return what came back and how many orders exist."""
    sim.faults.add(fault)
    try:
        reply: object = client("POST", ORDERS, json=order).status_code
    except requests.RequestException as error:
        reply = type(error)
    return reply, len(sim.exchange.tagged("abc123"))


BROKEN = requests.exceptions.ConnectionError
CUT = requests.exceptions.ChunkedEncodingError


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "status", "seen"),
    [
        ("reset", 0, BROKEN),
        ("close", 0, BROKEN),
        ("hang", 0, BROKEN),
        ("cut", 0, CUT),
        ("error", 503, 503),
        ("html", 502, 502),
        ("html", 403, 403),
        ("html", 429, 429),
        ("empty", 0, 200),
        ("garbage", 0, 200),
        ("no_ack", 0, 200),
        ("no_id", 0, 200),
        ("redirect", 0, 302),
    ],
)
def test_a_fault_may_hit_before_or_after_the_order_exists(
    sim: Simulator,
    client: Client,
    order: dict[str, Any],
    kind: str,
    status: int,
    seen: object,
    when: str,
) -> None:
    fault = Fault(kind=kind, status=status, when=when, delay=0.02)
    assert orders_after(sim, client, order, fault) == (seen, int(when == "after"))


@pytest.mark.parametrize(
    ("kind", "status"), [("rate", 429), ("expired", 401), ("not_allowed", 400)]
)
def test_a_refusal_on_request_leaves_no_order(
    sim: Simulator, client: Client, order: dict[str, Any], kind: str, status: int
) -> None:
    assert orders_after(sim, client, order, Fault(kind=kind)) == (status, 0)


def test_a_reset_is_a_reset(
    sim: Simulator, client: Client, order: dict[str, Any]
) -> None:
    sim.faults.add(Fault(kind="reset"))
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        client("POST", ORDERS, json=order)


@pytest.mark.parametrize(("kind", "delay"), [("slow", 0.15), ("drip", 0.002)])
def test_a_late_reply_is_still_right(
    sim: Simulator, client: Client, order: dict[str, Any], kind: str, delay: float
) -> None:
    sim.faults.add(Fault(kind=kind, delay=delay))
    started = time.monotonic()
    body = client("POST", ORDERS, json=order).json()
    assert (body["code"], time.monotonic() - started > 0.12) == (1101, True)


def test_a_dripping_body_outlives_a_read_timeout(
    sim: Simulator, client: Client, order: dict[str, Any]
) -> None:
    sim.faults.add(Fault(kind="drip", delay=0.005))
    session, started = client.session, time.monotonic()
    session.request("POST", sim.url + ORDERS, json=order, timeout=0.1)
    assert time.monotonic() - started > 0.3


def test_a_fault_waits_for_its_tag(
    sim: Simulator, client: Client, order: dict[str, Any]
) -> None:
    sim.faults.add(Fault(kind="error", tag="other"))
    statuses = [
        client("POST", ORDERS, json={**order, "orderTag": tag}).status_code
        for tag in ("abc123", "other")
    ]
    assert statuses == [200, 500]


def test_a_fault_can_spoil_the_symbol_master(sim: Simulator, client: Client) -> None:
    sim.faults.add(Fault(path="/sym_details", kind="html", status=200))
    assert client("GET", "/sym_details/NSE_FO.csv").text.startswith("<!DOCTYPE html>")
