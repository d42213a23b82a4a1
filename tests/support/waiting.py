"""Waiting for what another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(happened: Callable[[], bool]) -> None:
    """Wait for it; raise `AssertionError` where it stays out for 30 s."""
    end = time.monotonic() + 30
    while not happened():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.01)
