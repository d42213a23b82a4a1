"""A desk whose clock a test moves, and one account on it, clean for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.account.account import EVERY, LONGS, SHORTS, Account, Kind
from tests.functional.clocked import SharedClock
from tests.functional.desk import Desk, desks, keep_login, later_expiry


@pytest.fixture(scope="package")
def clock(tmp_path_factory: pytest.TempPathFactory) -> SharedClock:
    clock = SharedClock(tmp_path_factory.mktemp("clock") / "added")
    clock.set(0, 10, 30)
    return clock


@pytest.fixture(scope="package")
def served(
    tmp_path_factory: pytest.TempPathFactory, clock: SharedClock
) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("account")
    with desks(folder, clock=clock) as desk:
        yield later_expiry(desk)


@pytest.fixture
def desk(served: Desk, clock: SharedClock) -> Desk:
    clock.set(0, 10, 30)
    served.clear()
    keep_login(served.world)
    # What FYERS allows a second is another test's subject; a resend here is no time.
    served.change(rate_limits=False)
    return served


@pytest.fixture(params=EVERY, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def account(desk: Desk, clock: SharedClock, kind: Kind) -> Account:
    """Return an account that a test opens a short or a long in, of either product."""
    return Account(desk, clock, kind)


@pytest.fixture(params=SHORTS, ids=str)
def shorts(desk: Desk, clock: SharedClock, request: pytest.FixtureRequest) -> Account:
    """Return an account for what only a short can meet."""
    return Account(desk, clock, request.param)


@pytest.fixture(params=LONGS, ids=str)
def longs(desk: Desk, clock: SharedClock, request: pytest.FixtureRequest) -> Account:
    """Return an account for what only a long can meet."""
    return Account(desk, clock, request.param)
