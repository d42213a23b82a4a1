"""What belongs to the process: environment, clock, threads, and when it began.

gunicorn's master imports this and then forks, so importing starts nothing: it only
notes two instants.
"""

from __future__ import annotations

import gc
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from functools import wraps
from itertools import count
from pathlib import Path
from typing import ParamSpec, TypeVar

from shared import logs
from shared.config import SECRETS, Settings
from shared.models import Deadline

_T = TypeVar("_T")
_P = ParamSpec("_P")

REPLY_WITHIN = 2.2
"""Seconds from an alert's arrival to its reply. TradingView hangs up 3 s after its own
sending, so the way to us and back is in the rest."""

_LEAST = 0.7
"""Seconds an alert always gets: enough for its claim and its notice, not for an order.
One that arrives too late to be answered is then told by reconcile, not lost."""

_WAITED = 1.0
"""A first request this soon after loading was waiting for the instance to start."""

_BUSY = 96
"""Most tasks at once: one instance answers 64 alerts, most of them waiting."""

_SIDE_BY_SIDE = 32
"""Most closes of EXITs at once; the others wait for their turn."""

_LOCK = threading.RLock()
_cached: list[Callable[[], None]] = []


def now() -> float:
    """Return seconds on the monotonic clock that deadlines and `web` share."""
    return time.perf_counter()


def _age() -> float:
    """Return this process's age in seconds, 0 where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
    return age if 0 <= age < 60 else 0.0


# glibc reads this at the first lookup; a lookup cannot be interrupted, only bounded.
os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:1")

_loaded = now()
_started = _loaded - _age()
_requests = count()
_begun = count()


@contextmanager
def first_request() -> Iterator[None]:
    """Let the garbage collector rest while an instance serves its first request.

    That request imports the stores and the SDK: objects that stay, which collecting
    would walk again and again. Afterwards they are frozen, so that no collection in the
    middle of a later alert looks at them. gunicorn has forked long before.
    """
    if next(_begun):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def once(make: Callable[_P, _T]) -> Callable[_P, _T]:
    """Build a thing on first use and keep it; two first requests share one.

    `functools.cache` does not lock, and two paces or two clients would each be wrong.
    """
    kept: dict[object, _T] = {}
    _cached.append(kept.clear)

    @wraps(make)
    def cached(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if args not in kept:
            with _LOCK:
                if args not in kept:
                    kept[args] = make(*args, **kwargs)
        return kept[args]

    return cached


def forget() -> None:
    """Drop everything built so far; for tests that change the environment."""
    with _LOCK:
        for clear in _cached:
            clear()


@once
def settings(function: str) -> Settings:
    """Return one function's settings; raise `Misconfigured` naming every fault."""
    logs.configure(logs.Options.from_env(os.environ))
    for name in SECRETS:
        logs.mask(os.environ.get(name, "").strip())
    return Settings.from_env(os.environ, function)


@once
def readable_settings(function: str) -> Settings:
    """Return what can be read of a function's settings, to tell what is wrong."""
    return Settings.from_env(os.environ, function, strict=False)


def clock() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)


def new_attempt() -> str:
    """Return 128 random bits in hex: the mark of one delivery."""
    return secrets.token_hex(16)


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def alert_deadline(arrived: float) -> Deadline:
    """Return when an alert's reply must leave.

    An instance's first request was sent when its start began, if it was waiting by the
    time the code was loaded.
    """
    waited = next(_requests) == 0 and arrived - _loaded < _WAITED
    due = (_started if waited else arrived) + REPLY_WITHIN
    return Deadline(max(due, arrived + _LEAST), now)


def deadline(seconds: float) -> Deadline:
    """Return a deadline some seconds from now."""
    return Deadline(now() + seconds, now)


@once
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_BUSY, thread_name_prefix="fork")


def fork(task: Callable[[], _T]) -> Future[_T]:
    """Run a task beside the caller, with the request's id on its log lines."""
    return _threads().submit(copy_context().run, task)


@once
def _branches() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="branch")


def branch(task: Callable[[], _T]) -> Future[_T]:
    """Run a task that forks itself; what it forks always finds a thread."""
    return _branches().submit(copy_context().run, task)
