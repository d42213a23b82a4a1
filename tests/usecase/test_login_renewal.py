from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.broker import Granted, Unreadable
from shared.errors import Unavailable
from shared.login import LoginNotices, OwnersKey, Renewal, keep_logged_in, refreshing
from shared.models import IST, Deadline, Notice, Secret, Token
from shared.tokens import StoredToken, Tokens
from tests.fakes.login import (
    SIX,
    MemoryOnce,
    MemoryTokens,
    ScriptedLogin,
    Time,
    jwt,
    token,
)

OWNERS = OwnersKey(Secret("the-apps-secret"), Time())
EXPIRED = token("yesterday", expires_at=SIX - timedelta(days=1))


class Channels:
    """A notifier whose channels can be down."""

    def __init__(self, *down: str) -> None:
        self.down = down
        self.sent: list[tuple[Notice, tuple[str, ...] | None]] = []

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        self.sent.append((notice, only))
        return self.down


class Morning:
    """The Scheduler's call, as often as it likes, on as many instances."""

    def __init__(self, stored: Token | None) -> None:
        self.time = Time()
        self.store = MemoryTokens(StoredToken(stored, 1) if stored else None)
        self.once = MemoryOnce(self.time)
        self.login = ScriptedLogin()
        self.channels = Channels()

    def call(self) -> Renewal:
        notices = LoginNotices(
            self.channels, "https://login.example/auth-url", OWNERS, self.time
        )
        tokens = Tokens(
            self.store,
            refreshing(self.login, self.time),
            self.once,
            notices.send,
            self.time,
            self.time.pause,
        )
        return keep_logged_in(tokens, self.login, self.time, self.time.deadline())


def test_a_token_good_for_the_day_is_left_alone() -> None:
    morning = Morning(token("today"))
    renewal = morning.call()
    assert renewal.content()["message"] == "token is good for the trading day"
    assert renewal.content()["expires_at"] == "2026-11-24T06:00:00+05:30"
    assert morning.login.refreshes == 0


@pytest.mark.parametrize(
    ("ends", "left_alone"),
    [
        (datetime(2026, 11, 23, 15, 30, tzinfo=IST), False),
        (datetime(2026, 11, 23, 15, 31, tzinfo=IST), True),
    ],
)
def test_good_for_the_day_means_past_the_close(
    ends: datetime, left_alone: bool
) -> None:
    morning = Morning(token("today", expires_at=ends))
    morning.call()
    assert (morning.login.refreshes == 0) is left_alone


def test_in_the_evening_a_token_that_still_lives_is_good() -> None:
    morning = Morning(token("today"))
    morning.time.now = datetime(2026, 11, 23, 22, 0, tzinfo=IST)
    assert morning.call().until == SIX


def test_past_midnight_a_token_that_still_lives_is_good() -> None:
    morning = Morning(token("today"))
    morning.time.now = SIX - timedelta(minutes=1)
    assert morning.call().until == SIX


def test_a_notice_past_midnight_does_not_use_up_the_mornings() -> None:
    morning = Morning(EXPIRED)
    morning.time.now = datetime(2026, 11, 24, 0, 10, tzinfo=IST)
    morning.call()
    morning.time.now = datetime(2026, 11, 24, 6, 5, tzinfo=IST)
    morning.call()
    morning.call()
    assert len(morning.channels.sent) == 2


@pytest.mark.parametrize("code", [-8, -15, -16, -17])
def test_a_token_that_fyers_ended_early_is_told_before_the_first_alert(
    code: int,
) -> None:
    morning = Morning(token("today"))
    morning.login.ended[token("today").access] = code
    assert morning.call().content()["code"] == "login_required"
    assert morning.call().content()["code"] == "login_required"
    assert len(morning.channels.sent) == 1


def test_a_token_is_not_believed_dead_because_fyers_is_silent() -> None:
    morning = Morning(token("today"))
    morning.login.silent = True
    with pytest.raises(Unavailable, match="does not say"):
        morning.call()
    morning.login.silent = False
    morning.login.ended[token("today").access] = -50
    with pytest.raises(Unavailable, match="does not say"):
        morning.call()
    assert morning.channels.sent == []


def test_a_login_answers_one_notice_and_its_end_brings_another() -> None:
    morning = Morning(EXPIRED)
    morning.call()
    morning.store.put(token("today"))
    assert morning.call().until == SIX
    morning.time.now = datetime(2026, 11, 23, 11, 30, tzinfo=IST)
    morning.login.ended[token("today").access] = -8
    morning.call()
    morning.call()
    assert [only for _, only in morning.channels.sent] == [None, None]


def test_a_renewal_is_stored() -> None:
    morning = Morning(EXPIRED)
    morning.login.refreshed = Granted(jwt(SIX, "renewed"), None)
    assert morning.call() == Renewal(SIX, renewed=True)
    assert morning.store.stored == StoredToken(
        Token(
            jwt(SIX, "renewed"), EXPIRED.refresh, morning.time.now, SIX, EXPIRED.fy_id
        ),
        2,
    )


def test_a_refusal_is_login_required_and_one_notice_with_the_link() -> None:
    morning = Morning(EXPIRED)
    contents = [morning.call().content() for _ in range(3)]
    assert {content["code"] for content in contents} == {"login_required"}
    assert {content["success"] for content in contents} == {False}
    assert morning.login.refreshes == 1
    ((notice, _),) = morning.channels.sent
    assert notice.event == "login_needed"
    assert f"https://login.example/auth-url?go=1&k={OWNERS.today()}" in notice.message


@pytest.mark.parametrize(
    "answer", [Unreadable("HTML"), Granted(Secret("opaque"), None)]
)
def test_no_usable_answer_is_tried_again_later(answer: Unreadable | Granted) -> None:
    morning = Morning(EXPIRED)
    morning.login.refreshed = answer
    with pytest.raises(Unavailable):
        morning.call()
    assert morning.store.token == EXPIRED


def test_a_notice_is_repeated_only_where_it_failed() -> None:
    time = Time()
    channels = Channels("phone")
    notices = LoginNotices(channels, "", None, time)
    assert not notices.send("t", "expired", time.deadline())
    channels.down = ()
    assert notices.send("t", "expired", time.deadline())
    assert [only for _, only in channels.sent] == [None, ("phone",)]


def test_a_new_day_goes_to_every_channel_again() -> None:
    time = Time()
    channels = Channels("phone")
    notices = LoginNotices(channels, "", None, time)
    notices.send("t", "expired", time.deadline())
    time.now += timedelta(days=1)
    notices.send("t", "expired", time.deadline())
    assert [only for _, only in channels.sent] == [None, None]


def test_without_auth_url_the_notice_says_where_to_go() -> None:
    time = Time()
    channels = Channels()
    LoginNotices(channels, "", None, time).send("t", "expired", time.deadline())
    assert "Open auth-url in a browser" in channels.sent[0][0].message
