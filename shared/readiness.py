"""Whether everything an order needs is there: named checks, names and states only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from shared.broker import Login, LoginRefused, Unreadable
from shared.errors import Expected, Misconfigured, Problem, StoreError
from shared.guard import GuardState
from shared.models import IST, Clock, Deadline, Fork, Kept
from shared.symbols import Snapshot, SnapshotRefused, SymbolStore
from shared.symbols.finder import VOUCHED
from shared.tokens import TokenStore

_log = logging.getLogger(__name__)

KEPT = timedelta(seconds=10)
"""A busy caller must not spend FYERS's rate limit."""

EACH_SECONDS = 4.0


class Failing(Expected):
    """A check did not pass; the words go to the log only."""


Check = Callable[[Deadline], Mapping[str, object]]
"""Return what may be shown of a passing check; raise `Failing` or anything."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """How one check stands."""

    ok: bool
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Every check's state."""

    checks: Mapping[str, CheckState]

    @property
    def ready(self) -> bool:
        """Return whether every check passes."""
        return all(state.ok for state in self.checks.values())

    @property
    def status(self) -> int:
        """Return the HTTP status that says it."""
        return 200 if self.ready else 503

    def content(self) -> dict[str, object]:
        """Return the reply."""
        return {
            "ready": self.ready,
            "checks": {
                name: {"status": "ok" if state.ok else "failing", **state.shown}
                for name, state in self.checks.items()
            },
        }


class Readiness:
    """Runs named checks side by side, each bounded, and keeps the result a while.

    `fork` runs a task beside the caller. Results follow the order of `checks`.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        fork: Fork,
        clock: Clock,
        patience: Callable[[float], Deadline],
    ) -> None:
        self._checks = checks
        self._fork = fork
        self._clock = clock
        self._patience = patience
        self._lock = Lock()
        self._kept: tuple[datetime, Report] | None = None

    def report(self) -> Report:
        """Return how things stand now, or at most ten seconds ago."""
        with self._lock:  # callers at once share one round of checks
            now = self._clock()
            if self._kept is None or now - self._kept[0] >= KEPT:
                self._kept = (now, self._run())
            return self._kept[1]

    def _run(self) -> Report:
        deadline = self._patience(EACH_SECONDS)
        running = {
            name: self._fork(_bound(check, deadline))
            for name, check in self._checks.items()
        }
        return Report(
            {name: _state(name, task, deadline) for name, task in running.items()}
        )


def _bound(check: Check, deadline: Deadline) -> Callable[[], Mapping[str, object]]:
    return lambda: check(deadline)


def _state(
    name: str, task: Future[Mapping[str, object]], deadline: Deadline
) -> CheckState:
    try:
        return CheckState(True, task.result(deadline.left()))
    except Failing as failing:
        _log.warning("check %s: %s", name, failing)
    except FutureTimeout:
        _log.warning("check %s: no answer in time", name)
    except Misconfigured as error:
        _log.error("check %s: %s", name, "; ".join(error.problems))
    except (Problem, StoreError, LoginRefused, Unreadable) as error:
        _log.warning("check %s: %s: %s", name, type(error).__name__, error)
    except Exception:  # one broken check must not hide the others
        _log.exception("check %s is broken", name)
    return CheckState(False)


def token_check(store: TokenStore, clock: Clock) -> Check:
    """Return the check that a live token is stored, with its minutes left."""

    def check(deadline: Deadline) -> Mapping[str, object]:
        stored = store.read(deadline)
        if stored is None:
            raise Failing("nobody has logged in yet")
        left = stored.token.expires_at - clock()
        if left <= timedelta():
            raise Failing("the login has expired")
        return {"minutes_left": int(left.total_seconds() // 60)}

    return check


def symbols_check(store: SymbolStore, clock: Clock) -> Check:
    """Return the check that a usable symbol snapshot is stored, with its date."""

    def check(deadline: Deadline) -> Mapping[str, object]:
        data = store.read(deadline)
        if data is None:
            raise Failing("there is no symbol snapshot")
        try:
            day = Snapshot(data).summary.as_of
        except SnapshotRefused as error:
            raise Failing("the symbol snapshot is damaged") from error
        if clock().astimezone(IST).date() - day > VOUCHED:
            raise Failing(f"the symbol snapshot of {day} is too old")
        return {"date": day.isoformat()}

    return check


def fyers_check(login: Login, store: TokenStore) -> Check:
    """Return the check that FYERS takes the stored token: one profile call."""

    def check(deadline: Deadline) -> Mapping[str, object]:
        stored = store.read(deadline)
        if stored is None:
            raise Failing("nobody has logged in yet")
        try:
            login.owner(stored.token.access, deadline)
        except LoginRefused as refused:
            raise Failing("FYERS does not take the token") from refused
        except Unreadable as error:
            raise Failing("FYERS does not answer") from error
        return {}

    return check


SILENT = timedelta(minutes=5)
"""How long reconcile, which runs every minute, may not have run."""


def reconcile_check(state: Kept[GuardState], clock: Clock) -> Check:
    """Return the check that reconcile has run lately, with the seconds since."""

    def check(deadline: Deadline) -> Mapping[str, object]:
        found, _ = state.read(deadline)
        if found is None:
            return {"last_run": "never"}
        age = clock() - found.ran_at
        if age > SILENT:
            raise Failing(f"reconcile ran last {age} ago")
        return {"seconds_ago": int(age.total_seconds())}

    return check


def guard_check(state: Kept[GuardState]) -> Check:
    """Return the check that the guard sees the account, with its counts."""

    def check(deadline: Deadline) -> Mapping[str, object]:
        found, _ = state.read(deadline)
        if found is None:
            return {}
        if found.blind_told:
            raise Failing("orders and positions cannot be read")
        risks = sum(len(watch.risks) for watch in found.watches)
        return {"contracts": len(found.watches), "risks": risks}

    return check


def notifications_check(state: Kept[GuardState]) -> Check:
    """Return what reconcile found configured; shown, since none may be on purpose."""

    def check(deadline: Deadline) -> Mapping[str, object]:
        found, _ = state.read(deadline)
        channels = found.channels if found else ()
        return {"channels": list(channels) or ["none"]}

    return check
