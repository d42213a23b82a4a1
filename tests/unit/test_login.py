from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared.broker import LoginQueue
from shared.errors import BadRequest, Problem, Unauthorized, Unavailable
from shared.login import OwnersKey, States, posted_code
from shared.login.states import LIFE
from shared.models import Secret
from tests.fakes.login import SIX, MemoryOnce, Time, ample

SECRET = Secret("the-apps-secret")


def _states(
    time: Time, once: MemoryOnce | None = None, secret: Secret = SECRET
) -> States:
    return States(secret, once or MemoryOnce(time), time)


def _code(problem: pytest.ExceptionInfo[Problem]) -> str:
    return problem.value.code


def _take(states: States, state: str) -> None:
    states.consume(states.check(state), ample())


def test_a_fresh_state_is_taken_back() -> None:
    time = Time()
    states = _states(time)
    _take(states, states.issue(LoginQueue.OWNER))


def test_states_differ() -> None:
    states = _states(Time())
    assert states.issue(LoginQueue.OWNER) != states.issue(LoginQueue.OWNER)


def test_a_state_is_taken_back_once_across_instances() -> None:
    time = Time()
    once = MemoryOnce(time)
    state = _states(time, once).issue(LoginQueue.OWNER)
    _take(_states(time, once), state)
    with pytest.raises(BadRequest) as refused:
        _take(_states(time, once), state)
    assert _code(refused) == "state_used"


def test_a_state_cannot_be_used_again_at_the_very_end_of_its_life() -> None:
    time = Time()
    once = MemoryOnce(time)
    state = _states(time, once).issue(LoginQueue.OWNER)
    _take(_states(time, once), state)
    time.now += LIFE
    with pytest.raises(BadRequest) as refused:
        _take(_states(time, once), state)
    assert _code(refused) == "state_used"


@pytest.mark.parametrize(
    "later", [LIFE + timedelta(seconds=1), timedelta(days=3), -timedelta(minutes=2)]
)
def test_a_state_outside_its_ten_minutes_is_refused(later: timedelta) -> None:
    time = Time()
    states = _states(time)
    state = states.issue(LoginQueue.OWNER)
    time.now += later
    with pytest.raises(BadRequest) as refused:
        _take(states, state)
    assert _code(refused) == "state_expired"


def test_a_state_of_another_secret_is_refused() -> None:
    time = Time()
    state = _states(time, secret=Secret("another")).issue(LoginQueue.OWNER)
    with pytest.raises(BadRequest) as refused:
        _states(time).check(state)
    assert _code(refused) == "bad_state"


def test_every_changed_character_breaks_a_state() -> None:
    time = Time()
    states = _states(time)
    state = states.issue(LoginQueue.OWNER)
    for place, letter in enumerate(state):
        forged = state[:place] + ("A" if letter != "A" else "B") + state[place + 1 :]
        with pytest.raises(BadRequest):
            states.check(forged)


@pytest.mark.parametrize(
    "state",
    [
        "",
        ".",
        "a.b",
        "x" * 5000,
        "\u20ac.\u20ac",
        "..",
        "AAAA.",
        "=.=",
        "\x00",
        "a b.c",
    ],
)
def test_nonsense_is_no_state(state: str) -> None:
    with pytest.raises(BadRequest) as refused:
        _states(Time()).check(state)
    assert _code(refused) == "bad_state"


def test_another_spelling_of_the_same_bytes_is_no_state() -> None:
    states = _states(Time())
    with pytest.raises(BadRequest):
        states.check(states.issue(LoginQueue.OWNER) + "=")


def test_a_silent_claim_store_takes_no_state() -> None:
    time = Time()
    once = MemoryOnce(time, doubt=True)
    states = _states(time, once)
    with pytest.raises(Unavailable):
        _take(states, states.issue(LoginQueue.OWNER))


@pytest.mark.parametrize("queue", LoginQueue)
def test_a_state_says_which_queue_its_login_takes(queue: LoginQueue) -> None:
    states = _states(Time())
    assert states.check(states.issue(queue)).queue is queue


def test_a_state_tried_here_is_refused_the_second_time_and_cost_no_write() -> None:
    time = Time()
    once = MemoryOnce(time)
    states = _states(time, once)
    state = states.check(states.issue(LoginQueue.OTHERS))
    with states.attempt(state):
        states.look(state, ample())
    with pytest.raises(BadRequest) as refused, states.attempt(state):
        pass
    assert _code(refused) == "state_used"
    assert once.kept() == set()


def test_an_attempt_that_found_no_room_may_come_again() -> None:
    states = _states(Time())
    state = states.check(states.issue(LoginQueue.OTHERS))
    with pytest.raises(Unavailable), states.attempt(state):
        raise Unavailable("no room")
    with states.attempt(state):
        pass


def test_a_state_consumed_elsewhere_is_seen_before_fyers_is_asked() -> None:
    time = Time()
    once = MemoryOnce(time)
    state = _states(time, once).check(_states(time, once).issue(LoginQueue.OTHERS))
    _states(time, once).consume(state, ample())
    with pytest.raises(BadRequest) as refused:
        _states(time, once).look(state, ample())
    assert _code(refused) == "state_used"


def test_the_owners_key_opens_the_owners_queue_until_the_day_of_logins_ends() -> None:
    time = Time()
    owners = OwnersKey(SECRET, time)
    key = owners.today()
    time.now = SIX - timedelta(seconds=1)
    assert owners.queue(key) is LoginQueue.OWNER
    time.now = SIX
    assert owners.queue(key) is LoginQueue.OTHERS


@pytest.mark.parametrize("given", ["", "x", "\u20ac", "\udcff", "A" * 22])
def test_no_other_key_opens_it(given: str) -> None:
    assert OwnersKey(SECRET, Time()).queue(given) is LoginQueue.OTHERS


def test_the_owners_key_is_that_of_the_apps_secret() -> None:
    key = OwnersKey(Secret("another"), Time()).today()
    assert OwnersKey(SECRET, Time()).queue(key) is LoginQueue.OTHERS


HOOK = Secret("hook-secret")
NONE = Secret("")


@pytest.mark.parametrize(
    ("body", "bearer"),
    [
        (b'{"auth_code": "abc"}', "Bearer hook-secret"),
        (b'{"auth_code": "abc"}', "bearer hook-secret"),
        (b'{"auth_code": "abc", "token": "hook-secret"}', ""),
    ],
)
def test_a_code_is_taken_with_the_secret(body: bytes, bearer: str) -> None:
    assert posted_code(body, bearer, HOOK, NONE) == Secret("abc")


@pytest.mark.parametrize("body", [b"", b"{}", b" "])
def test_without_a_code_in_the_body_the_setting_is_used(body: bytes) -> None:
    code = posted_code(body, "Bearer hook-secret", HOOK, Secret("set"))
    assert code == Secret("set")


@pytest.mark.parametrize(
    ("body", "bearer"),
    [
        (b'{"auth_code": "abc"}', ""),
        (b'{"auth_code": "abc"}', "Bearer wrong"),
        (b'{"auth_code": "abc"}', "Bearer \u20ac\udcff"),
        (b'{"auth_code": "abc", "token": "hook-secret"}', "Bearer wrong"),
        (b'{"auth_code": "abc", "token": 7}', ""),
        (b'{"auth_code": "abc", "token": "\\ud800"}', ""),
        (b"not json", ""),
        (b"[" * 50_000, ""),
        (b"\xff\xfe", ""),
        (b"[]", ""),
    ],
)
def test_without_the_secret_nothing_else_is_looked_at(body: bytes, bearer: str) -> None:
    with pytest.raises(Unauthorized):
        posted_code(body, bearer, HOOK, NONE)


def test_an_empty_secret_lets_nobody_in() -> None:
    with pytest.raises(Unauthorized):
        posted_code(json.dumps({"token": ""}).encode(), "", NONE, Secret("set"))


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"auth_code": ""}', b'{"auth_code": 7}', b"[1]", b"nonsense", b'"a"'],
)
def test_a_wrong_body_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        posted_code(body, "Bearer hook-secret", HOOK, NONE)
