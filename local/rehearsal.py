"""One short with exits and its cover at the real FYERS, through the deployed webhook.

./deploy.sh rehearse [--lots N] [--late] [--products] [--symbol NIFTY]

deploy.sh asks first and hands over, on standard input, the webhook's token in the first
line and the stored FYERS login after it; neither is ever shown or kept. What FYERS said
of orders and positions goes into a file, without what names a person. At the end stand
a table of what this software assumes of FYERS against what came, and what is open. The
exit status is 0 only when everything that was asked agrees and nothing is open.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from local.rehearsing.asking import Fyers, Webhook
from local.rehearsing.course import Course, Plan, Waits
from local.rehearsing.judging import agreed, shown, table
from local.rehearsing.masking import masked
from shared.adapters import token_codec
from shared.adapters.fyers.pace import Pace
from shared.models import IST, Secret, Token

CALLS_A_SECOND = 1
"""The share of what is neither webhook nor reconcile."""


def clock() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)


def keep(fyers: Fyers, token: Token, folder: Path) -> Path:
    """Write the raw replies, masked, into a new file only its owner can read."""
    secrets = (token.fy_id, token.access.open())
    file = folder / f"rehearsal-{fyers.clock().astimezone(IST):%Y%m%d-%H%M%S}.json"
    text = json.dumps(masked(list(fyers.raw), *secrets), indent=1)
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w") as out:
        out.write(text + "\n")
    return file


def rehearse(course: Course, token: Token, folder: Path) -> int:
    """Play it, keep what came, print the table; return the exit status."""
    played = course.play()
    lines = table(played, course.plan)
    if course.sent:
        try:
            where = str(keep(course.fyers, token, folder))
        except OSError as error:
            where = f"could not be written ({type(error).__name__})"
        course.say(f"\nFYERS's own words, without what names you: {where}")
        for text in ("", *shown(lines)):
            course.say(text)
    if played.stopped:
        course.say(f"\n{played.stopped}")
    for text in played.ending:
        course.say(text)
    if not course.sent:
        course.say("Nothing was ordered.")
        return 1
    return 0 if agreed(lines) and played.safe and not played.stopped else 1


def main(arguments: Sequence[str]) -> int:
    """Read the two secrets, rehearse, return the exit status."""
    options = _options(arguments)
    hook, _, stored = sys.stdin.read().partition("\n")
    try:
        token = token_codec.loads(stored.encode())
    except token_codec.NotAToken:
        return _refuse("No FYERS login is stored: open auth-url and log in first.")
    if not hook.strip():
        return _refuse("WEBHOOK_SECRET_TOKEN could not be read.")
    if token.expires_at <= clock():
        return _refuse("The FYERS login has ended: open auth-url and log in first.")
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed window, too
        signal.signal(number, signal.default_int_handler)
    now = time.perf_counter
    fyers = Fyers(
        base=options.fyers.rstrip("/"),
        authorization=Secret(f"{options.app}:{token.access.open()}"),
        pace=Pace(CALLS_A_SECOND, now, time.sleep),
        now=now,
        clock=clock,
    )
    course = Course(
        Webhook(options.webhook, Secret(hook.strip()), time.sleep),
        fyers,
        Plan(options.symbol, options.lots, options.late, options.products),
        Waits(),
        time.sleep,
        _say,
    )
    return rehearse(course, token, Path.cwd())


def _say(text: str) -> None:
    """Print; a window that was closed keeps no short open."""
    with suppress(OSError):
        print(text, flush=True)


def _refuse(why: str) -> int:
    print(f"{why} Nothing was ordered.", file=sys.stderr)
    return 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./deploy.sh rehearse", description=__doc__)
    add = parser.add_argument
    add("--webhook", required=True, help=argparse.SUPPRESS)
    add("--app", required=True, help=argparse.SUPPRESS)
    add("--fyers", default="https://api-t1.fyers.in", help=argparse.SUPPRESS)
    add("--symbol", default="NIFTY", help="the underlying, with a weekly expiry")
    add("--lots", type=int, default=1, help="above the freeze quantity it is sliced")
    add("--late", action="store_true", help="cover after 15:15")
    add("--products", action="store_true", help="INTRADAY and MARGIN side by side")
    options = parser.parse_args(arguments)
    if options.lots < 1:
        parser.error("--lots is 1 or more")
    return options


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
