"""`python -m simulator`: run the stand-in until it is stopped."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path

from simulator.changes import apply
from simulator.master import SIZES
from simulator.options import Options
from simulator.server import Simulator


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    chosen = _parser().parse_args(arguments)
    options = Options(
        port=chosen.port,
        asof=chosen.asof,
        master_rows=chosen.master_rows,
        app_id=chosen.app_id,
        secret=chosen.secret,
        pin=chosen.pin,
        fy_id=chosen.fy_id,
        redirect_uri=chosen.redirect_uri,
        rate_limits=not chosen.no_rate_limits,
        delay_ms=chosen.delay_ms,
        refresh_allowed=chosen.refresh_allowed,
        funds=chosen.funds,
    )
    if chosen.master_file:
        options.master_lines = chosen.master_file.read_text().splitlines()
    if chosen.bse_master_file:
        options.bse_lines = chosen.bse_master_file.read_text().splitlines()
    simulator = Simulator(options)
    if chosen.state:
        apply(simulator, json.loads(chosen.state.read_text()))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    simulator.start()
    print(f"simulator listening on {simulator.url}", flush=True)
    stop.wait()
    simulator.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A FYERS v3 stand-in over HTTP. No real account, no money.",
    )
    add = parser.add_argument
    known = Options()
    add("--port", type=int, default=0, help="0 (default) takes a free one")
    add(
        "--asof",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="date of the symbol master (today, IST)",
    )
    add(
        "--master-rows",
        type=_rows,
        default="small",
        help="small, full or a number of lines",
    )
    add("--master-file", type=Path, help="serve and trade this symbol master instead")
    add("--bse-master-file", type=Path, help="the same for BSE")
    add("--state", type=Path, help="JSON file applied first, as to POST /_sim/state")
    add("--app-id", default=known.app_id)
    add("--secret", default=known.secret)
    add("--pin", default=known.pin)
    add("--fy-id", default=known.fy_id)
    add("--redirect-uri", help="the registered one; any, if left out")
    add("--no-rate-limits", action="store_true", help="for soak and benchmark runs")
    add("--delay-ms", type=float, default=0.0, help="added to every FYERS reply")
    add("--refresh-allowed", action="store_true", help="let tokens be refreshed")
    add("--funds", type=Decimal, default=known.funds, help="rupees for margin")
    return parser


def _rows(text: str) -> str | int:
    if text in SIZES:
        return text
    return int(text)


if __name__ == "__main__":
    main()
