"""Steering the simulator over HTTP, and running it as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import requests

from simulator import Simulator
from tests.functional.simulator.conftest import APP, ORDERS, Client


def test_state_tells_orders_positions_and_calls(
    client: Client, order: dict[str, Any]
) -> None:
    client("POST", ORDERS, json=order)
    state = client("GET", "/_sim/state").json()
    assert (
        len(state["orders"]),
        state["positions"][0]["netQty"],
        state["calls"]["POST /api/v3/orders/sync"]["count"],
        state["calls"]["POST /api/v3/orders/sync"]["statuses"],
        state["max_calls_in_a_second"],
    ) == (3, -65, 1, [200], 1)


def test_a_position_can_be_set(client: Client, order: dict[str, Any]) -> None:
    row = {"symbol": order["symbol"], "netQty": -130, "productType": "MARGIN"}
    client.control("state", {"positions": [row]})
    held = client("GET", "/api/v3/positions").json()["netPositions"][0]
    assert (held["netQty"], held["productType"]) == (-130, "MARGIN")


@pytest.mark.parametrize(
    ("mark", "status", "filled"),
    [
        ({"status": "filled"}, 2, 130),
        ({"status": "part", "filledQty": 65}, 6, 65),
        ({"status": "rejected", "message": "RED:late"}, 5, 0),
        ({"status": "cancelled"}, 1, 0),
        ({"status": "expired"}, 7, 0),
    ],
    ids=str,
)
def test_an_order_can_be_marked(
    client: Client,
    order: dict[str, Any],
    mark: dict[str, Any],
    status: int,
    filled: int,
) -> None:
    client.control("state", {"fill": "unfilled"})
    client("POST", ORDERS, json={**order, "qty": 130})
    client.control("state", {"orders": [{"tag": "abc123", **mark}]})
    row = client("GET", "/api/v3/orders").json()["orderBook"][0]
    assert (row["status"], row["filledQty"]) == (status, filled)


def test_faults_come_over_http(
    sim: Simulator, client: Client, order: dict[str, Any]
) -> None:
    client.control("faults", [{"path": ORDERS, "kind": "503", "when": "before"}])
    assert client("POST", ORDERS, json=order).status_code == 503


def test_faults_are_taken_back(client: Client, order: dict[str, Any]) -> None:
    client.control("faults", {"kind": "503", "times": -1})
    client.control("chaos", {"rate": 1, "kinds": ["503"]})
    client("DELETE", "/_sim/faults")
    assert client("POST", ORDERS, json=order).status_code == 200


def test_chaos_comes_over_http(client: Client) -> None:
    client.control("chaos", {"rate": 1, "kinds": ["502"], "paths": ["/data/"]})
    statuses = [
        client("GET", path).status_code
        for path in ("/data/quotes?symbols=NSE:NIFTY50-INDEX", "/api/v3/funds")
    ]
    assert statuses == [502, 200]


def test_a_token_comes_over_http(client: Client) -> None:
    token = client.control("login", {})["access_token"]
    headers = {"Authorization": f"{APP}:{token}"}
    assert client("GET", "/api/v3/funds", headers=headers).status_code == 200


def test_a_delay_holds_every_reply(client: Client) -> None:
    client.control("state", {"delay_ms": 60})
    started = time.monotonic()
    client("GET", "/api/v3/funds")
    assert time.monotonic() - started > 0.06


def test_reset_forgets_everything(client: Client, order: dict[str, Any]) -> None:
    client("POST", ORDERS, json=order)
    client.control("state", {"delay_ms": 1, "fill": "rms"})
    client.control("reset", {})
    state = client("GET", "/_sim/state").json()
    assert (
        state["orders"],
        state["positions"],
        state["total_calls"],
        state["settings"]["fill"],
        state["settings"]["delay_ms"],
    ) == ([], [], 0, "full", 0.0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_sim/state", {"prise": {}}),
        ("/_sim/state", {"fill": "half"}),
        ("/_sim/faults", {"kind": "rest"}),
        ("/_sim/faults", {"kinds": "reset"}),
        ("/_sim/nothing", {}),
    ],
    ids=str,
)
def test_a_misspelt_control_is_refused(
    client: Client, path: str, body: dict[str, Any]
) -> None:
    assert client("POST", path, json=body).status_code == 400


def test_a_call_takes_under_two_milliseconds(client: Client) -> None:
    client("GET", "/api/v3/positions")
    times = []
    for _ in range(100):
        started = time.perf_counter()
        client("GET", "/api/v3/positions")
        times.append(time.perf_counter() - started)
    assert sorted(times)[50] < 0.010  # 0.5 ms on an idle machine; 40 with Nagle


def test_the_process_says_where_it_listens_and_stops_on_sigterm() -> None:
    command = [sys.executable, "-m", "simulator", "--master-rows", "100"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.removeprefix("simulator listening on ").strip()
        state = requests.get(f"{address}/_sim/state", timeout=5).json()
        process.send_signal(signal.SIGTERM)
        assert (process.wait(10), state["url"]) == (0, address)
