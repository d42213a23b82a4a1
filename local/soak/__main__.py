"""`./dev.sh soak`: exits 0 only if no alert was doubled, lost or left open."""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
import warnings
from pathlib import Path

from tqdm import tqdm

from local import serve
from local.playground import Failed
from local.soak import report, world
from local.soak.audit import Findings, audit
from local.soak.campaign import DRAIN, Campaign, Plan
from local.standins.emulators import NoEmulator

DRAWS_AFTER, SAYS_AFTER = 0.2, 30.0
"""Seconds between two updates of the bar, and two lines where none can be drawn."""
LOOK_EVERY = 3.0


class Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, campaign: Campaign) -> None:
        total = campaign.plan.minutes * 60
        layout = "{l_bar}{bar}| {n:.0f}/{total:.0f} s{postfix}"
        self._bar = tqdm(total=total, disable=None, bar_format=layout)
        self._campaign = campaign
        self._said = time.monotonic()

    def at(self, seconds: float) -> None:
        """Show where it stands, that many seconds into the trading."""
        campaign = self._campaign
        text = f"{len(campaign.alerts)} alerts, {campaign.counts['kills']} kills"
        drawn = not self._bar.disable
        if time.monotonic() - self._said < (DRAWS_AFTER if drawn else SAYS_AFTER):
            return
        self._said = time.monotonic()
        if drawn:
            self._bar.n = min(seconds, self._bar.total)
            self._bar.set_postfix_str(text)
        else:
            print(f"{seconds:.0f} s: {text}", flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def play(plan: Plan, embedded: bool) -> tuple[dict[str, object], bool]:
    """Run a soak; return its numbers and whether all that must be 0 is."""
    began = time.monotonic()
    with world.running(plan.seed, embedded) as ground:
        campaign = Campaign(plan, ground)
        progress = Progress(campaign)
        try:
            campaign.rage(progress.at)
        finally:
            progress.close()
        print("Faults and kills are over; settling.", flush=True)
        findings = _settle(campaign, began + plan.minutes * 60 + DRAIN)
        backend = "SQLite" if embedded else "Firestore emulator"
        took = time.monotonic() - began
        numbers = report.summary(campaign, findings, took, backend)
        report.explain(findings, campaign)
    return numbers, bool(numbers["ok"])


def _settle(campaign: Campaign, end: float) -> Findings:
    """Reconcile until nothing changes and nothing is wrong, or time is over."""
    turn = 0
    while True:
        turn += 1
        quiet = campaign.reconcile(turn % 2)
        campaign.monitor.look()
        findings = audit(
            campaign.world, campaign.alerts, campaign.monitor, campaign.calm_until
        )
        if (quiet and findings.clean) or time.monotonic() > end:
            return findings
        time.sleep(LOOK_EVERY)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev.sh soak",
        description="Two servers over one store trade under faults and kills, then "
        "every alert is held against its orders, replies, notices and claim.",
        epilog="FYERS's rate limits and our own pace are off, and reconcile's minute "
        "is 10 s. Takes the given minutes and up to 90 s. Exits 1 unless duplicates, "
        "silently lost, unresolved and every other violation are 0.",
    )
    add = parser.add_argument
    add("--minutes", type=float, default=3.0, help="of trading (3)")
    add("--rate", type=float, default=2.0, help="alerts a second (2)")
    add("--faults", type=float, default=0.1, help="share of FYERS's calls (0.1)")
    add("--kills", type=float, default=15.0, help="mean seconds between two (15)")
    add("--seed", type=int, help="of all randomness but time (a random one)")
    add("--embedded", action="store_true", help="SQLite, no Firestore emulator")
    add("--json", type=Path, metavar="FILE", help="write the summary there too")
    chosen = parser.parse_args()
    if (
        min(chosen.minutes, chosen.rate, chosen.kills) <= 0
        or not 0 <= chosen.faults < 1
    ):
        parser.error(
            "minutes, rate and kills must be above 0, faults from 0 to below 1"
        )
    return chosen


def main() -> None:
    """Soak, and exit with its outcome."""
    chosen = _arguments()
    # Google's packages announce the end of Python 3.11 whenever they are imported.
    warnings.filterwarnings("ignore", "You are using a Python version", FutureWarning)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    seed = random.randrange(10**6) if chosen.seed is None else chosen.seed  # noqa: S311 - repeatable
    plan = Plan(chosen.minutes, chosen.rate, chosen.faults, seed, chosen.kills)
    print(f"Seed {seed}. Rate limits are off; reconcile runs every 10 s, not 60.")
    try:
        numbers, good = play(plan, chosen.embedded)
    except KeyboardInterrupt:
        sys.exit("Stopped.")
    except (Failed, NoEmulator, serve.StartFailed, OSError) as error:
        sys.exit(f"The soak could not run. {error}")
    report.show(numbers)
    if chosen.json:
        chosen.json.write_text(json.dumps(numbers, indent=1) + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
