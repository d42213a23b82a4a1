from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import NotLoggedIn, Unavailable
from shared.models import Deadline, Secret, Token
from shared.tokens import Refused, StoredToken, Tokens, expiry_of
from tests.fakes.login import (
    MORNING,
    SIX,
    MemoryOnce,
    MemoryTokens,
    Time,
    ample,
    jwt,
    token,
)

FRESH = token("fresh")
OLD = token("old", expires_at=MORNING - timedelta(hours=2))


class Instances:
    """Instances that share one store, one `once` and one FYERS."""

    def __init__(self, stored: Token | None) -> None:
        self.time = Time()
        self.store = MemoryTokens(StoredToken(stored, 1) if stored else None)
        self.once = MemoryOnce(self.time)
        self.answer: Token | Refused | None = Refused("disabled to comply with SEBI")
        self.refreshes = 0
        self.notices: list[str] = []
        self.deliver = True
        self.during_refresh: Callable[[], None] = lambda: None

    def new(self, *, refreshes: bool = True) -> Tokens:
        refresh = self._refresh if refreshes else None
        return Tokens(
            self.store, refresh, self.once, self._tell, self.time, self.time.pause
        )

    def _refresh(self, token: Token, deadline: Deadline) -> Token | Refused | None:
        self.refreshes += 1
        self.during_refresh()
        return self.answer

    def _tell(self, dead: str, reason: str, deadline: Deadline) -> bool:
        self.notices.append(reason)
        return self.deliver


def test_the_expiry_is_the_access_tokens_own() -> None:
    assert expiry_of(jwt(SIX)) == SIX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no-dots",
        "a.b.c",
        "a.@@.c",
        "eyJh." + base64.urlsafe_b64encode(b"[1]").decode() + ".c",
        "eyJh." + base64.urlsafe_b64encode(b'{"exp": null}').decode() + ".c",
        "eyJh." + base64.urlsafe_b64encode(b'{"exp": 1e400}').decode() + ".c",
        "eyJh." + base64.urlsafe_b64encode(b'{"exp": 99999999999999}').decode() + ".c",
        "eyJh." + base64.urlsafe_b64encode(b'{"iat": 1}').decode() + ".c",
        "\u20ac.\u20ac.\u20ac",
    ],
)
def test_a_malformed_token_is_a_value_error_without_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"^the access token carries no readable"):
        expiry_of(Secret(text))


def test_the_store_is_read_once_while_the_token_lives() -> None:
    here = Instances(FRESH)
    tokens = here.new()
    assert tokens.current(ample()) is FRESH
    assert tokens.current(ample()) is FRESH
    assert here.store.reads == 1


def test_a_token_is_at_hand_from_its_reading_to_its_end() -> None:
    instances = Instances(FRESH)
    tokens = instances.new()
    before = tokens.at_hand
    tokens.current(ample())
    kept = tokens.at_hand
    instances.time.now = FRESH.expires_at

    assert (before, kept, tokens.at_hand) == (False, True, False)


def test_a_cached_token_that_expired_is_read_again() -> None:
    here = Instances(FRESH)
    tokens = here.new()
    tokens.current(ample())
    here.time.now = SIX
    tomorrow = token("tomorrow", expires_at=SIX + timedelta(days=1))
    here.store.put(tomorrow)
    assert tokens.current(ample()) is tomorrow


@pytest.mark.parametrize("stored", [None, OLD], ids=["none", "expired"])
def test_without_a_live_token_a_person_must_log_in(stored: Token | None) -> None:
    here = Instances(stored)
    with pytest.raises(NotLoggedIn):
        here.new().current(ample())
    assert len(here.notices) == 1


def test_a_look_at_the_token_may_keep_quiet() -> None:
    here = Instances(None)
    with pytest.raises(NotLoggedIn):
        here.new().current(ample(), tell=False)
    assert here.notices == []


def test_a_silent_store_is_unavailable_and_tells_nobody_to_log_in() -> None:
    here = Instances(FRESH)
    here.store.doubt = True
    with pytest.raises(Unavailable):
        here.new().current(ample())
    assert here.notices == []


def test_a_login_since_wins_without_asking_fyers() -> None:
    here = Instances(FRESH)
    tokens = here.new()
    tokens.current(ample())
    login = token("login")
    here.store.put(login)
    assert tokens.renew(FRESH, ample()) is login
    assert tokens.current(ample()) is login
    assert here.refreshes == 0


def test_without_leave_to_refresh_a_newer_login_is_taken_and_kept() -> None:
    here = Instances(FRESH)
    tokens = here.new(refreshes=False)
    tokens.current(ample())
    login = token("login")
    here.store.put(login)
    assert tokens.renew(FRESH, ample()) is login
    assert tokens.current(ample()) is login


def test_without_leave_to_refresh_fyers_is_never_asked() -> None:
    here = Instances(FRESH)
    with pytest.raises(NotLoggedIn):
        here.new(refreshes=False).renew(FRESH, ample())
    assert (here.refreshes, len(here.notices)) == (0, 1)


def test_a_second_token_that_dies_the_same_day_is_told_at_once() -> None:
    here = Instances(OLD)
    tokens = here.new()
    with pytest.raises(NotLoggedIn):
        tokens.current(ample())
    here.store.put(FRESH)
    assert tokens.current(ample()) is FRESH
    for instance in (tokens, here.new(), tokens):
        with pytest.raises(NotLoggedIn):
            instance.renew(FRESH, ample())
    assert len(here.notices) == 2


def test_a_thread_that_comes_second_takes_what_the_first_got() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    tokens = here.new()
    tokens.renew(FRESH, ample())
    reads = here.store.reads
    assert tokens.renew(FRESH, ample()) is here.answer
    assert (here.refreshes, here.store.reads) == (1, reads)


def test_a_refresh_is_stored_under_the_generation_that_was_read() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    assert here.new().renew(FRESH, ample()) is here.answer
    assert here.store.stored == StoredToken(here.answer, 2)


def test_a_refresh_never_overwrites_a_login_that_came_meanwhile() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    login = token("login")
    here.store.before_write = lambda: here.store.put(login)
    assert here.new().renew(FRESH, ample()) is login
    assert here.store.token is login


def test_a_renewed_token_serves_even_if_storing_it_is_in_doubt() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    here.store.before_write = lambda: setattr(here.store, "doubt", True)
    assert here.new().renew(FRESH, ample()) is here.answer


def test_a_renewed_token_serves_even_if_a_login_meanwhile_cannot_be_read() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")

    def meanwhile() -> None:
        here.store.put(token("login"))
        here.store.silent_reads = True

    here.store.before_write = meanwhile
    assert here.new().renew(FRESH, ample()) is here.answer


def test_with_the_token_deleted_a_person_must_log_in() -> None:
    here = Instances(None)
    with pytest.raises(NotLoggedIn):
        here.new().renew(FRESH, ample())


def test_a_refusal_known_to_an_instance_costs_no_further_look() -> None:
    here = Instances(FRESH)
    tokens = here.new()
    for _ in range(2):
        with pytest.raises(NotLoggedIn):
            tokens.renew(FRESH, ample())
        here.once.doubt = True
    assert here.refreshes == 1


def test_a_silent_store_while_looking_for_a_refusal_asks_fyers_nothing() -> None:
    here = Instances(FRESH)
    here.once.silent_about = "refusal:"
    with pytest.raises(Unavailable):
        here.new().renew(FRESH, ample())
    assert here.refreshes == 0


def test_two_instances_told_at_once_ask_fyers_once() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    started, proceed = threading.Event(), threading.Event()

    def slowly() -> None:
        started.set()
        assert proceed.wait(5)

    here.during_refresh = slowly
    first, second = here.new(), here.new()
    results: list[Token] = []
    thread = threading.Thread(
        target=lambda: results.append(first.renew(FRESH, ample()))
    )
    thread.start()
    assert started.wait(5)
    with pytest.raises(Unavailable, match="being renewed"):
        second.renew(FRESH, here.time.deadline())
    proceed.set()
    thread.join(5)
    assert second.renew(FRESH, here.time.deadline()) is results[0] is here.answer
    assert here.refreshes == 1


def test_an_instance_waits_for_the_token_another_one_gets() -> None:
    here = Instances(FRESH)
    renewed = token("renewed")
    here.once("refresh:" + _digest(FRESH), MORNING + timedelta(minutes=1), ample())

    def meanwhile(seconds: float) -> None:
        here.time.pause(seconds)
        here.store.put(renewed)

    waiting = Tokens(
        here.store, here._refresh, here.once, here._tell, here.time, meanwhile
    )
    assert waiting.renew(FRESH, here.time.deadline()) is renewed
    assert here.refreshes == 0


def test_threads_of_one_instance_share_one_refresh() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    tokens = here.new()
    results: list[Token] = []
    threads = [
        threading.Thread(target=lambda: results.append(tokens.renew(FRESH, _real())))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert results == [here.answer] * 8
    assert here.refreshes == 1


def test_a_refusal_is_kept_for_the_day_across_instances() -> None:
    here = Instances(FRESH)
    with pytest.raises(NotLoggedIn):
        here.new().renew(FRESH, ample())
    here.time.now += timedelta(hours=3)
    other = token("other")
    here.store.put(other)
    with pytest.raises(NotLoggedIn):
        here.new().renew(other, ample())
    assert here.refreshes == 1


def test_the_next_day_fyers_is_asked_again_and_the_owner_told_again() -> None:
    here = Instances(OLD)
    for _ in range(2):
        with pytest.raises(NotLoggedIn):
            here.new().renew(OLD, ample())
        here.time.now += timedelta(days=1)
    assert (here.refreshes, len(here.notices)) == (2, 2)


def test_without_a_refresh_token_fyers_is_not_asked() -> None:
    here = Instances(token("bare", refresh=None))
    with pytest.raises(NotLoggedIn):
        here.new().renew(token("bare", refresh=None), ample())
    assert here.refreshes == 0


def test_no_answer_from_fyers_is_unavailable_and_may_be_asked_again_later() -> None:
    here = Instances(FRESH)
    here.answer = None
    with pytest.raises(Unavailable):
        here.new().renew(FRESH, ample())
    here.time.now += timedelta(minutes=2)
    here.answer = token("renewed")
    assert here.new().renew(FRESH, ample()) is here.answer


def test_a_silent_claim_store_asks_fyers_nothing() -> None:
    here = Instances(FRESH)
    here.once.doubt = True
    with pytest.raises(Unavailable):
        here.new().renew(FRESH, ample())
    assert here.refreshes == 0


def test_a_notice_that_reached_nobody_is_sent_again_later_that_day() -> None:
    here = Instances(None)
    here.deliver = False
    for _ in range(2):
        with pytest.raises(NotLoggedIn):
            here.new().current(ample())
    assert len(here.notices) == 1, "not at once: another instance may be sending"
    here.time.now += timedelta(minutes=2)
    here.deliver = True
    for _ in range(2):
        with pytest.raises(NotLoggedIn):
            here.new().current(ample())
        here.time.now += timedelta(minutes=2)
    assert len(here.notices) == 2


def test_the_owner_is_told_even_if_the_claim_store_is_silent() -> None:
    here = Instances(None)
    here.once.doubt = True
    tokens = here.new()
    for _ in range(3):
        with pytest.raises(NotLoggedIn):
            tokens.current(ample())
    assert len(here.notices) == 1


def test_a_thread_does_not_wait_for_the_token_past_its_deadline() -> None:
    here = Instances(FRESH)
    here.answer = token("renewed")
    started, proceed = threading.Event(), threading.Event()

    def slowly() -> None:
        started.set()
        assert proceed.wait(5)

    here.during_refresh = slowly
    tokens = here.new()
    thread = threading.Thread(target=lambda: tokens.renew(FRESH, ample()))
    thread.start()
    assert started.wait(5)
    with pytest.raises(Unavailable, match="out of time"):
        tokens.renew(FRESH, Deadline(0.0, lambda: 0.0))
    proceed.set()
    thread.join(5)


def _digest(one: Token) -> str:
    return hashlib.sha256(one.access.open().encode()).hexdigest()


def _real() -> Deadline:
    start = datetime.now(UTC)
    return Deadline(10.0, lambda: (datetime.now(UTC) - start).total_seconds())
