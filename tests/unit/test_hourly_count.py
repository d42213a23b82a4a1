"""What anybody can cause is told once an hour, with its number."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.models import Deadline, Severity
from shared.notifications import HourlyCount
from tests.fakes.login import MemoryOnce, Time, ample
from tests.fakes.notifier import MemoryNotifier


class Street:
    """Strangers, some instances and the owner's phone."""

    def __init__(self) -> None:
        self.time = Time()
        self.once = MemoryOnce(self.time)
        self.asked = 0
        self.phone = MemoryNotifier()

    def instance(self) -> HourlyCount:
        return HourlyCount(self.phone, self._first, self.time)

    def said(self) -> list[str]:
        return [notice.message for notice in self.phone.notices]

    def _first(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        self.asked += 1
        return self.once.once(what, expires_at, deadline)


def _knock(count: HourlyCount, times: int = 1, event: str = "wrong_secret") -> None:
    for _ in range(times):
        count.add(event, "knocks.", Severity.WARNING, ample())


def test_the_first_is_told_at_once_and_the_rest_an_hour_later_with_their_number() -> (
    None
):
    street = Street()
    count = street.instance()
    _knock(count, 1_000)
    assert street.said() == ["1 since 08:30: knocks."]
    street.time.now += timedelta(minutes=59)
    _knock(count)
    street.time.now += timedelta(minutes=1)
    _knock(count, 5)
    assert street.said()[1:] == ["1001 since 08:30: knocks."]


def test_a_stranger_costs_one_write_an_hour() -> None:
    street = Street()
    count = street.instance()
    _knock(count, 1_000)
    street.time.now += timedelta(hours=1)
    _knock(count, 1_000)
    assert street.asked == 2


def test_another_instance_does_not_repeat_it_within_the_hour() -> None:
    street = Street()
    _knock(street.instance())
    street.time.now += timedelta(minutes=30)
    _knock(street.instance())
    assert len(street.said()) == 1


def test_a_silent_store_hides_nothing() -> None:
    street = Street()
    street.once.doubt = True
    count = street.instance()
    _knock(count, 10)
    assert street.said() == ["1 since 08:30: knocks."]


def test_each_event_has_its_own_hour() -> None:
    street = Street()
    count = street.instance()
    _knock(count)
    _knock(count, event="misconfigured")
    assert [notice.event for notice in street.phone.notices] == [
        "wrong_secret",
        "misconfigured",
    ]


def test_a_channel_that_was_down_hears_it_a_minute_later_alone() -> None:
    street = Street()
    street.phone.down = {"url"}
    count = street.instance()
    _knock(count, 2)
    street.phone.down = set()
    street.time.now += timedelta(seconds=59)
    _knock(count)
    street.time.now += timedelta(seconds=1)
    _knock(count, 3)
    taken = [(channel, notice.message) for channel, notice in street.phone.sent]
    assert taken == [
        ("topic", "1 since 08:30: knocks."),
        ("url", "4 since 08:30: knocks."),
    ]
    assert street.asked == 1
