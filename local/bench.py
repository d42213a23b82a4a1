"""The performance table: `./dev.sh bench`.

Everything is measured in one run, side by side, against the simulated FYERS on this
machine, so ratios mean more than milliseconds. A missed target is shown and is no
error; an alert lost or doubled, or an eleventh FYERS call in a second, is one.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from local.measuring import ground, scaling
from local.measuring.run import FULL, QUICK, Bench
from local.measuring.served import NotServed
from local.measuring.table import Progress, busy, earlier, processor, show
from local.standins import emulators


def main() -> None:
    """Measure, print the table, exit 1 where something was lost."""
    arguments = _arguments()
    try:
        before = earlier(arguments.compare) if arguments.compare else None
    except ValueError as error:
        sys.exit(str(error))
    # What was started ends with us, however we are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    progress, began = Progress(), time.monotonic()
    with ExitStack() as stack:
        progress.stage("starting the simulated FYERS and the Firestore emulator")
        place = stack.enter_context(ground.standing())
        firestore, missing = None, ""
        try:
            firestore = stack.enter_context(emulators.firestore()).host
        except emulators.NoEmulator as reason:
            missing = f"Google's stores were skipped: {reason}."
        # The master's contracts are many objects: collecting them would stop the
        # simulator's answers now and then, and that would count as ours.
        gc.freeze()
        size = QUICK if arguments.quick else FULL
        bench = Bench(size, place, firestore, progress, arguments.seed)
        try:
            bench.run()
        except NotServed as fault:
            progress.end()
            sys.exit(f"The webhook failed while it was measured.\n{fault}")
    remarks = [text for text in (missing, busy(), *bench.faults) if text]
    seconds = time.monotonic() - began
    print(show(bench.rows, before))
    print(f"\n{processor()}; {datetime.now(UTC):%-d %B %Y}; {seconds:.0f} s.")
    print("Ratios compare within this run. Delays are simulated; the rest is real.")
    print("\n".join(remarks))
    if arguments.curve:
        arguments.curve.write_text(scaling.svg(bench.curves))
    if arguments.json:
        report = {
            "at": datetime.now(UTC).isoformat(),
            "machine": processor(),
            "seconds": round(seconds, 1),
            "remarks": remarks,
            "rows": [asdict(row) for row in bench.rows],
        }
        arguments.json.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    sys.exit(1 if bench.faults else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev.sh bench",
        description="Measure cold start, the way to the order, bursts, symbols and "
        "memory beside a bare function, in about four minutes.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer of each, in about a minute"
    )
    parser.add_argument(
        "--seed",
        action="store_true",
        help="beside ours, measure the shape such functions are published in (Flask, "
        "pandas, the SDK; installs pandas into build/ once, 100 MB)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the numbers there"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help="show an earlier run's beside"
    )
    parser.add_argument(
        "--curve", type=Path, metavar="FILE", help="draw the scaling there, as SVG"
    )
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
