from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from shared.adapters.kept import KeptDocument
from shared.broker import LoginRefused, Unreadable
from shared.errors import Doubtful, Misconfigured
from shared.guard import GuardState, Risk, Verdict, Watch
from shared.models import IST, Deadline, Fork
from shared.readiness import (
    Check,
    Failing,
    Readiness,
    fyers_check,
    guard_check,
    notifications_check,
    reconcile_check,
    symbols_check,
    token_check,
)
from shared.symbols import Summary
from shared.symbols.snapshot import pack
from shared.tokens import StoredToken
from tests.fakes.documents import MemoryDocuments
from tests.fakes.login import (
    MORNING,
    SIX,
    MemoryTokens,
    ScriptedLogin,
    Time,
    ample,
    token,
)


@pytest.fixture
def fork() -> Iterator[Callable[..., Future[Mapping[str, object]]]]:
    with ThreadPoolExecutor(8) as threads:
        yield threads.submit


def _raising(error: Exception) -> Check:
    def check(deadline: Deadline) -> Mapping[str, object]:
        raise error

    return check


def _readiness(fork: Fork, time: Time, **checks: Check) -> Readiness:
    return Readiness(checks, fork, time, time.deadline)


def test_all_passing_is_200_with_what_each_shows(fork: Fork) -> None:
    report = _readiness(
        fork, Time(), token=lambda d: {"minutes_left": 5}, store=lambda d: {}
    ).report()
    assert report.status == 200
    assert report.content() == {
        "ready": True,
        "checks": {
            "token": {"status": "ok", "minutes_left": 5},
            "store": {"status": "ok"},
        },
    }


@pytest.mark.parametrize(
    "error",
    [
        Failing("private words"),
        Doubtful("private words"),
        Misconfigured(("private words",)),
        ZeroDivisionError("private words"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_one_failing_is_503_and_says_its_name_only(
    fork: Fork, error: Exception
) -> None:
    report = _readiness(
        fork, Time(), store=_raising(error), token=lambda d: {}
    ).report()
    assert report.status == 503
    assert report.content()["checks"] == {
        "store": {"status": "failing"},
        "token": {"status": "ok"},
    }


def test_checks_run_side_by_side(fork: Fork) -> None:
    together = threading.Barrier(3, timeout=5)

    def check(deadline: Deadline) -> Mapping[str, object]:
        together.wait()
        return {}

    report = _readiness(fork, Time(), a=check, b=check, c=check).report()
    assert report.ready


def test_a_check_that_hangs_fails_while_the_others_pass(fork: Fork) -> None:
    release = threading.Event()

    def hang(deadline: Deadline) -> Mapping[str, object]:
        release.wait(5)
        return {}

    readiness = Readiness(
        {"slow": hang, "quick": lambda deadline: {}},
        fork,
        Time(),
        lambda seconds: Deadline(0.05, lambda: 0.0),
    )
    states = readiness.report().checks
    release.set()
    assert (states["slow"].ok, states["quick"].ok) == (False, True)


def test_the_result_is_kept_ten_seconds(fork: Fork) -> None:
    calls: list[int] = []

    def check(deadline: Deadline) -> Mapping[str, object]:
        calls.append(1)
        return {}

    time = Time()
    readiness = _readiness(fork, time, fyers=check)
    readiness.report()
    time.now += timedelta(seconds=9)
    readiness.report()
    assert len(calls) == 1
    time.now += timedelta(seconds=1)
    readiness.report()
    assert len(calls) == 2


def test_callers_at_once_share_one_round(fork: Fork) -> None:
    calls: list[int] = []

    def check(deadline: Deadline) -> Mapping[str, object]:
        calls.append(1)
        return {}

    readiness = _readiness(fork, Time(), fyers=check)
    threads = [threading.Thread(target=readiness.report) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(calls) == 1


def test_a_live_token_shows_its_minutes() -> None:
    store = MemoryTokens(StoredToken(token(), 1))
    time = Time(now=SIX - timedelta(minutes=90, seconds=1))
    assert token_check(store, time)(ample()) == {"minutes_left": 90}


@pytest.mark.parametrize(
    "stored", [None, StoredToken(token(expires_at=MORNING), 1)], ids=["none", "expired"]
)
def test_no_live_token_fails(stored: StoredToken | None) -> None:
    with pytest.raises(Failing):
        token_check(MemoryTokens(stored), Time())(ample())


class _Symbols:
    def __init__(self, data: bytes | None) -> None:
        self.data = data

    def read(self, deadline: Deadline) -> bytes | None:
        return self.data

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        self.data = snapshot


def _snapshot(day: date) -> bytes:
    built_at = datetime.combine(day, datetime.min.time(), IST)
    return pack(
        {}, Summary(built_at, day, rows=0, contracts=0, underlyings=0, broken=0)
    )


def test_a_snapshot_shows_its_date() -> None:
    check = symbols_check(_Symbols(_snapshot(date(2026, 11, 20))), Time())
    assert check(ample()) == {"date": "2026-11-20"}


@pytest.mark.parametrize(
    "data",
    [None, b"broken", _snapshot(date(2026, 10, 20))],
    ids=["none", "broken", "too-old"],
)
def test_no_usable_snapshot_fails(data: bytes | None) -> None:
    with pytest.raises(Failing):
        symbols_check(_Symbols(data), Time())(ample())


def test_fyers_taking_the_token_passes() -> None:
    check = fyers_check(ScriptedLogin(), MemoryTokens(StoredToken(token(), 1)))
    assert check(ample()) == {}


class _Refusing(ScriptedLogin):
    def owner(self, access: object, deadline: Deadline) -> str:
        raise LoginRefused(-17, "Could not authenticate the user")


class _Silent(ScriptedLogin):
    def owner(self, access: object, deadline: Deadline) -> str:
        raise Unreadable("no answer")


@pytest.mark.parametrize("login", [_Refusing(), _Silent()], ids=["refused", "silent"])
def test_fyers_refusing_or_silent_fails(login: ScriptedLogin) -> None:
    with pytest.raises(Failing):
        fyers_check(login, MemoryTokens(StoredToken(token(), 1)))(ample())


def test_fyers_is_not_asked_without_a_token() -> None:
    with pytest.raises(Failing):
        fyers_check(ScriptedLogin(), MemoryTokens(None))(ample())


def _kept(state: GuardState | None) -> KeptDocument[GuardState]:
    kept = KeptDocument(MemoryDocuments(), "guard", "state", GuardState)
    if state is not None:
        kept.write(state, None, ample())
    return kept


@pytest.mark.parametrize(
    ("ago", "shown"), [(0, 0), (300, 300), (301, None), (86400, None)]
)
def test_reconcile_may_be_five_minutes_old(ago: int, shown: int | None) -> None:
    state = GuardState(MORNING - timedelta(seconds=ago))
    check = reconcile_check(_kept(state), Time())
    if shown is not None:
        assert check(ample()) == {"seconds_ago": shown}
        return
    with pytest.raises(Failing):
        check(ample())


def test_a_reconcile_that_never_ran_is_said() -> None:
    assert reconcile_check(_kept(None), Time())(ample()) == {"last_run": "never"}


def test_the_guard_shows_what_it_watches() -> None:
    risk = Risk(Verdict.EXITS_MISSING, "65", MORNING)
    watches = (Watch("A", (risk, risk)), Watch("B"))
    check = guard_check(_kept(GuardState(MORNING, watches=watches)))
    assert check(ample()) == {"contracts": 2, "risks": 2}
    assert guard_check(_kept(None))(ample()) == {}


def test_a_blind_guard_fails() -> None:
    with pytest.raises(Failing):
        guard_check(_kept(GuardState(MORNING, blind_told=True)))(ample())


def test_the_channels_are_named_or_said_to_be_none() -> None:
    state = GuardState(MORNING, channels=("telegram", "mail"))
    assert notifications_check(_kept(state))(ample()) == {
        "channels": ["telegram", "mail"]
    }
    for kept in (_kept(None), _kept(GuardState(MORNING))):
        assert notifications_check(kept)(ample()) == {"channels": ["none"]}
