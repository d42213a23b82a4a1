"""Everything kept running to play with, schedule included: `./dev.sh run`.

By default FYERS is the simulator and the state a folder that is thrown away. `--live`
is the real FYERS with the settings of an env file or the shell, state in .local.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import requests

from local import playground, serve
from local.playground import PATIENCE, Failed, Playground
from local.replay import Morning

RECONCILE_EVERY = 60.0
"""Seconds, as the Scheduler has it."""
MORNING = ("refresh-symbols", "refresh-token")
MORNING_AT = timedelta(hours=8, minutes=30)
"""IST; after 06:00, when FYERS ends every token."""
NEEDED = ("FYERS_APP_ID", "FYERS_SECRET_ID", "WEBHOOK_SECRET_TOKEN")
IST = timedelta(hours=5, minutes=30)
ENDINGS = (signal.SIGINT, signal.SIGTERM)


class Schedule:
    """What the Cloud Scheduler would call: the morning's once a day, then reconcile."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._day: date | None = None

    def play(self, stop: threading.Event) -> None:
        """Call what is due until told to stop."""
        while not stop.is_set():
            today = (datetime.now(UTC) + IST - MORNING_AT).date()
            if today != self._day:
                self._day = today
                for name in MORNING:
                    self._call(name)
            self._call("reconcile")
            stop.wait(RECONCILE_EVERY)

    def _call(self, name: str) -> None:
        try:
            reply = requests.post(f"{self._address}/{name}", timeout=4 * PATIENCE)
            said = reply.text
        except requests.RequestException as error:
            said = type(error).__name__
        print(f"schedule: {name}: {said}", flush=True)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of a file; comments and quotes are left out."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found


@contextlib.contextmanager
def live(port: int, env: Mapping[str, str]) -> Iterator[str]:
    """Serve against the real FYERS; yield the address."""
    missing = [name for name in NEEDED if not env.get(name, "").strip()]
    if missing:
        raise Failed(
            f"--live needs {', '.join(missing)}: in the shell, or in a file named with "
            "--env-file."
        )
    print(LIVE, flush=True)
    with serve.running({"STATE_BACKEND": "local", **env}, port, _print) as address:
        registered = env.get("FYERS_REDIRECT_URI") or f"{address}/generate-token"
        print(f"Redirect URI of the FYERS app: {registered}")
        print(f"Log in:   {address}/auth-url")
        print(f"Desk:     {address}/desk")
        _show(address, {"token": "<WEBHOOK_SECRET_TOKEN>", **_EXAMPLE})
        yield address


@contextlib.contextmanager
def simulated(port: int, replay: bool = False) -> Iterator[str]:
    """Serve against the simulator, logged in; yield the address.

    With `replay` a morning is played beside it.
    """
    with playground.running(port, _print) as ground:
        ground.call("POST", "refresh-symbols")
        ground.log_in()
        _explain(ground)
        if replay:
            threading.Thread(target=_replay, args=(ground,), daemon=True).start()
        yield ground.functions


def _replay(ground: Playground) -> None:
    try:
        Morning(ground).play(say=_print)
    except (Failed, requests.RequestException) as error:
        _print(f"replay: it ended early: {error}")


def _explain(ground: Playground) -> None:
    options = ground.fyers.options
    print(f"FYERS is simulated at {ground.fyers.url}: no real account, no money.")
    print(f"Your desk: {ground.functions}/desk (log in there as)")
    print(f"  (FYERS ID {options.fy_id}, PIN {options.pin})")
    print(f"Order book, positions, calls: {ground.fyers.url}/_sim/state")
    _show(ground.functions, {k: v for k, v in ground.alert().items() if k != "time"})


def _show(address: str, alert: Mapping[str, object]) -> None:
    template = json.dumps({**alert, "time": "{{timenow}}"}, indent=1)
    curl = json.dumps({**alert, "time": "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"})
    print(f"Ready?    {address}/readyz")
    print(f"Webhook:  {address}/webhook")
    print(f"\nThe alert for TradingView's message box:\n{template}")
    print("\nThe same by hand:")
    print(f"curl -H 'Content-Type: text/plain' -d '{curl}' {address}/webhook\n")


def _print(line: str) -> None:
    print(line, flush=True)


_EXAMPLE: Mapping[str, object] = {
    "symbol": "NIFTY",
    "strikeprice": 25800,
    "optionType": "CE",
    "expiry": "WEEKLY",
    "action": "SELL",
}

LIVE = """
  ==================================================================
  LIVE: an alert now becomes a REAL order with REAL money at FYERS.
  Anybody who can reach this port and knows the secret can place one.
  ==================================================================
"""


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="./dev.sh run",
        description="Keep the functions, the schedule and a simulated FYERS running.",
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument(
        "--live", action="store_true", help="the REAL FYERS, real money"
    )
    parser.add_argument("--env-file", type=Path, help="NAME=value lines for --live")
    parser.add_argument(
        "--replay", action="store_true", help="play a morning in two minutes"
    )
    chosen = parser.parse_args()
    if chosen.replay and chosen.live:
        parser.error("--replay trades at the simulator, never at the real FYERS")
    if chosen.env_file and not chosen.live:
        parser.error("--env-file is for --live; the simulator has its own settings")
    for number in ENDINGS:  # SIGINT too: a shell's background job ignores it
        signal.signal(number, signal.default_int_handler)
    try:
        env = dict(os.environ)
        if chosen.env_file:
            env |= read_env_file(chosen.env_file)
        port, replay = chosen.port, chosen.replay
        there = live(port, env) if chosen.live else simulated(port, replay)
        with there as address:
            _keep_going(address)
    except KeyboardInterrupt:
        pass
    except (Failed, serve.PortTaken, serve.StartFailed, OSError) as error:
        sys.exit(f"{error}")
    print("\nStopped.", flush=True)


def _keep_going(address: str) -> None:
    """Play the schedule until told to end.

    A handler that only notes the signal: an exception may be raised, and lost, wherever
    the interpreter happens to be, and a lock may be held there.
    """
    told: list[int] = []
    for number in ENDINGS:
        signal.signal(number, lambda number, _: told.append(number))
    print("Ctrl-C stops everything.", flush=True)
    stop = threading.Event()
    schedule = Schedule(address)
    threading.Thread(target=schedule.play, args=(stop,), daemon=True).start()
    while not told:
        time.sleep(0.1)
    stop.set()


if __name__ == "__main__":
    main()
