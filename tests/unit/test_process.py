"""When an alert's reply must leave: from its arrival, or from the instance's start."""

import threading
from functools import partial
from itertools import count

import pytest

from shared.wiring import process


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance whose process began a second before its code was loaded."""
    loaded = process.now()
    monkeypatch.setattr(process, "_requests", count())
    monkeypatch.setattr(process, "_loaded", loaded)
    monkeypatch.setattr(process, "_started", loaded - 1.0)


def left(arrived: float) -> float:
    return process.alert_deadline(arrived).left()


def test_the_first_request_waited_for_the_start() -> None:
    assert left(process.now()) == pytest.approx(1.2, abs=0.1)


def test_later_requests_count_from_their_arrival() -> None:
    left(process.now())
    assert left(process.now()) == pytest.approx(2.2, abs=0.1)


def test_a_first_request_to_an_idle_instance_counts_from_its_arrival(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_loaded", process.now() - 60)
    assert left(process.now()) == pytest.approx(2.2, abs=0.1)


def test_a_start_that_took_too_long_still_leaves_time_for_the_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Too little for an order, enough to be told of by reconcile."""
    monkeypatch.setattr(process, "_started", process.now() - 5)
    assert left(process.now()) == pytest.approx(0.7, abs=0.1)


def test_closes_that_fork_never_wait_for_each_others_threads() -> None:
    """More of them at once than there are threads of either kind."""
    together = threading.Barrier(process._SIDE_BY_SIDE)

    def close(number: int) -> int:
        if number < process._SIDE_BY_SIDE:
            together.wait(30)  # all of the first are under way
        return process.fork(lambda: number).result(30)

    closes = [process.branch(partial(close, number)) for number in range(200)]
    assert [one.result(60) for one in closes] == list(range(200))
