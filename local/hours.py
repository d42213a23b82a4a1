"""Serve the functions at another hour of the day than it is.

After 15:15 FYERS squares INTRADAY positions off by itself, after 15:40 nothing trades,
and the functions say so: what is played in the evening would not be a trading day.
`LOCAL_CLOCK_SHIFT` holds the seconds the clock of `python -m local.hours` is off.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from datetime import datetime, timedelta, timezone

SHIFT = "LOCAL_CLOCK_SHIFT"
HOUR = 11
"""IST; every watch of the guard is awake."""

IST = timezone(timedelta(hours=5, minutes=30), "IST")


def until_eleven() -> timedelta:
    """Return how far today's eleven o'clock is, back or ahead."""
    now = datetime.now(IST)
    return now.replace(hour=HOUR, minute=0, second=0, microsecond=0) - now


def shift() -> None:
    """Move the clock of this process's functions; before they are first called."""
    from shared import wiring
    from shared.wiring import process

    off, true = timedelta(seconds=float(os.environ[SHIFT])), process.clock
    for found in pkgutil.iter_modules(wiring.__path__, f"{wiring.__name__}."):
        names = vars(importlib.import_module(found.name))
        if names.get("clock") is true:
            names["clock"] = lambda: true() + off


if __name__ == "__main__":
    from local import serve

    shift()
    serve.main()
