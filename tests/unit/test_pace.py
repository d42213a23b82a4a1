"""The pace on a clock that only moves when somebody waits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.fyers.pace import Pace, PacedTurn
from shared.broker import NotTaken
from shared.models import Deadline


@dataclass
class Desk:
    """A pace and the instants at which its calls began."""

    per_second: int = 10
    per_minute: int = 0
    now: float = 100.0
    starts: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace = Pace(self.per_second, lambda: self.now, self.wait, self.per_minute)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def turn(self, calls: int, seconds: float = 2.5) -> PacedTurn:
        deadline = Deadline(self.now + seconds, lambda: self.now)
        return self.pace.reserve(calls, deadline)

    def call(self, turn: PacedTurn) -> float:
        turn.wait()
        self.starts.append(self.now)
        return self.now

    def most_within(self, seconds: float) -> int:
        return max(
            sum(1 for other in self.starts if 0 <= other - start <= seconds)
            for start in self.starts
        )


def test_calls_within_the_limit_do_not_wait() -> None:
    desk = Desk()
    turn = desk.turn(10)

    assert {desk.call(turn) for _ in range(10)} == {100.0}


def test_the_call_above_the_limit_waits_out_the_window() -> None:
    desk = Desk()
    first, second = desk.turn(10), desk.turn(1)
    for _ in range(10):
        desk.call(first)

    assert desk.call(second) == pytest.approx(101.05)


@pytest.mark.parametrize(
    ("per_minute", "most"), [(0, 20), (6, 6), (1, 1)], ids=["usual", "six", "one"]
)
def test_a_minute_may_hold_fewer_calls_than_its_seconds(
    per_minute: int, most: int
) -> None:
    desk = Desk(per_second=1, per_minute=per_minute)
    for _ in range(45):
        desk.call(desk.turn(1, seconds=100))

    assert desk.most_within(60.0) == most


def test_a_place_that_would_come_too_late_is_refused_at_once() -> None:
    desk = Desk()
    turns = [desk.turn(10), desk.turn(10), desk.turn(10)]

    with pytest.raises(NotTaken, match="rate limit"):
        desk.turn(1)
    assert (desk.now, len(turns)) == (100.0, 3)


def test_a_short_deadline_is_no_reason_to_refuse_a_free_place() -> None:
    desk = Desk()

    assert desk.call(desk.turn(1, seconds=0.2)) == 100.0


def test_a_waiting_place_must_leave_time_for_its_call() -> None:
    desk = Desk()
    full = desk.turn(10)

    with pytest.raises(NotTaken):
        desk.turn(1, seconds=1.3)
    assert full.places == 10


def test_later_reservations_do_not_take_an_earlier_ones_place() -> None:
    desk = Desk(per_second=4)
    early, late = desk.turn(3), desk.turn(3)
    desk.call(early)
    desk.call(early)
    desk.call(late)
    desk.now += 0.2

    assert desk.call(early) == pytest.approx(100.2)


def test_a_place_used_late_still_counts_from_its_use() -> None:
    desk = Desk(per_second=2)
    early = desk.turn(2)
    desk.now += 1.0
    desk.call(early)
    desk.call(early)
    late = desk.turn(1)

    assert desk.call(late) == pytest.approx(102.05)


def test_a_forgotten_turn_gives_its_places_back() -> None:
    desk = Desk()
    turn: PacedTurn | None = desk.turn(10)
    turn = None

    assert (turn, desk.call(desk.turn(10))) == (None, 100.0)


def test_a_turn_that_ended_gives_its_places_back_though_something_holds_it() -> None:
    desk = Desk()
    held = desk.turn(10)
    held.end()
    assert desk.turn(10).places == 10
    assert held.places == 0


def test_a_turn_past_its_deadline_gives_its_places_back() -> None:
    desk = Desk()
    over = desk.turn(10)
    desk.now += 2.6

    assert desk.call(desk.turn(10)) == pytest.approx(102.6)
    assert over.places == 10


def test_a_repeated_call_queues_behind_other_turns() -> None:
    desk = Desk(per_second=3)
    turn, other = desk.turn(1), desk.turn(2)
    desk.call(turn)

    assert desk.call(turn.again()) == pytest.approx(101.05)
    assert other.places == 2


def test_a_repeated_call_leaves_its_turns_places_alone() -> None:
    desk = Desk(per_second=3)
    turn = desk.turn(3)
    desk.call(turn)
    desk.call(turn.again())

    assert turn.places == 2


def test_a_repeated_call_does_not_wait_for_its_own_turns_places() -> None:
    desk = Desk(per_second=3)
    turn = desk.turn(3)
    desk.call(turn)

    assert desk.call(turn.again()) == 100.0


def test_a_call_beyond_the_reserved_ones_queues_anew() -> None:
    desk = Desk(per_second=3)
    turn, other = desk.turn(1), desk.turn(2)
    desk.call(turn)

    assert desk.call(turn) == pytest.approx(101.05)
    assert other.places == 2


def test_a_repeat_that_would_come_too_late_is_refused() -> None:
    desk = Desk(per_second=1)
    turn = desk.turn(1, seconds=1.0)
    desk.call(turn)

    with pytest.raises(NotTaken):
        turn.wait()


def test_a_place_delayed_past_its_deadline_is_refused() -> None:
    desk = Desk(per_second=1)
    first, second = desk.turn(1), desk.turn(1)
    desk.now += 1.5
    desk.call(first)

    with pytest.raises(NotTaken):
        second.wait()


def test_a_minute_holds_twenty_times_a_second() -> None:
    desk = Desk(per_second=2)
    for _ in range(40):
        desk.call(desk.turn(1, seconds=100))
    begun = desk.starts[0]

    assert desk.call(desk.turn(1, seconds=100)) == pytest.approx(begun + 60.5)


def test_zero_turns_the_pace_off() -> None:
    desk = Desk(per_second=0)
    turn = desk.turn(1, seconds=0.0)

    assert {desk.call(turn) for _ in range(500)} == {100.0}


def test_a_turn_knows_its_deadline() -> None:
    assert Desk().turn(1, seconds=2.5).deadline.left() == 2.5


steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "call", "forget"]),
        st.integers(0, 5),
        st.floats(0, 1.5),
    ),
    max_size=120,
)


@given(per_second=st.integers(1, 5), steps=steps)
def test_no_second_and_no_minute_ever_holds_more_than_its_calls(
    per_second: int, steps: list[tuple[str, int, float]]
) -> None:
    desk = Desk(per_second=per_second)
    turns: list[PacedTurn] = []
    for what, number, passed in steps:
        desk.now += passed
        try:
            if what == "reserve":
                turns.append(desk.turn(number + 1))
            elif turns and what == "forget":
                turns.pop(number % len(turns))
            elif turns:
                desk.call(turns[number % len(turns)])
        except NotTaken:
            pass  # a refusal starts nothing

    if desk.starts:
        assert desk.most_within(1.0) <= per_second
        assert desk.most_within(60.0) <= 20 * per_second


@given(per_second=st.integers(3, 10), alerts=st.integers(1, 30))
def test_alerts_at_once_all_reach_their_order_or_are_refused_before_their_quote(
    per_second: int, alerts: int
) -> None:
    desk = Desk(per_second=per_second)
    turns = []
    for _ in range(alerts):
        try:
            turns.append(desk.turn(3))
        except NotTaken:
            continue
    for turn in turns:
        for _ in range(3):
            desk.call(turn)

    assert len(desk.starts) == 3 * len(turns)


def test_threads_at_once_stay_within_the_pace() -> None:
    desk = Desk()
    lock = threading.Lock()
    turns = [desk.turn(4) for _ in range(5)]

    def alert(turn: PacedTurn) -> None:
        for _ in range(4):
            turn.wait()
            with lock:
                desk.starts.append(desk.now)

    threads = [threading.Thread(target=alert, args=(turn,)) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(desk.pace._starts) == 20
    recorded = sorted(desk.pace._starts)
    assert all(b - a > 1.0 for a, b in zip(recorded, recorded[10:], strict=False))
