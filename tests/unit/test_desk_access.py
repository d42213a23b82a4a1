"""Tickets, cookies and sessions: what opens the desk and what does not."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.kept import KeptDocument
from shared.adapters.store import Store
from shared.desk import Access, Latest, Session, Tickets
from shared.desk.access import Signer
from shared.errors import BadRequest, Conflict, Unavailable
from shared.models import IST, Deadline, Secret
from tests.fakes.documents import MemoryDocuments

SECRET = Secret("the app's secret")
SIX = datetime(2026, 11, 26, 6, 0, tzinfo=IST)
LIMIT = Deadline(10.0, lambda: 0.0)


@dataclass
class Desk:
    """Access over documents in memory, on a clock that a test sets."""

    now: datetime = datetime(2026, 11, 25, 8, 45, tzinfo=IST)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)

    @property
    def tickets(self) -> Tickets:
        return Tickets(SECRET, lambda: self.now)

    @property
    def access(self) -> Access:
        return Access(
            SECRET,
            Store(self.documents, lambda: self.now).once,
            lambda key: KeptDocument(self.documents, "sessions", key, Session),
            KeptDocument(self.documents, "sessions", "latest", Latest),
            lambda: self.now,
        )

    def enter(self) -> str:
        return self.access.enter(self.tickets.issue(SIX), LIMIT)

    def knows(self, cookie: str) -> bool:
        return self.access.session(cookie, LIMIT) is not None


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_ticket_becomes_a_session_that_knows_until_when_fyers_is_connected(
    desk: Desk,
) -> None:
    session = desk.access.session(desk.enter(), LIMIT)
    assert session == Session(SIX, SIX)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (datetime(2026, 11, 25, 8, 45, tzinfo=IST), SIX),
        (datetime(2026, 11, 25, 23, 59, tzinfo=IST), SIX),
        (datetime(2026, 11, 26, 5, 59, tzinfo=IST), SIX),
        (datetime(2026, 11, 26, 6, 0, tzinfo=IST), SIX + timedelta(days=1)),
    ],
)
def test_a_session_ends_at_the_next_six(
    desk: Desk, at: datetime, ends: datetime
) -> None:
    desk.now = at
    session = desk.access.session(desk.enter(), LIMIT)
    assert session is not None
    assert session.expires_at == ends


def test_at_six_a_session_is_over_though_its_document_is_there(desk: Desk) -> None:
    cookie = desk.enter()
    desk.now = SIX - timedelta(seconds=1)
    assert desk.knows(cookie)
    desk.now = SIX
    assert not desk.knows(cookie)


@pytest.mark.parametrize(
    ("seconds", "code"), [(61, "ticket_expired"), (-6, "ticket_expired")]
)
def test_a_ticket_lives_a_minute(desk: Desk, seconds: int, code: str) -> None:
    ticket = desk.tickets.issue(SIX)
    desk.now += timedelta(seconds=seconds)
    with pytest.raises(BadRequest) as refused:
        desk.access.enter(ticket, LIMIT)
    assert refused.value.code == code
    assert desk.documents.calls == []


def test_a_ticket_is_taken_once(desk: Desk) -> None:
    ticket = desk.tickets.issue(SIX)
    desk.access.enter(ticket, LIMIT)
    with pytest.raises(BadRequest) as refused:
        desk.access.enter(ticket, LIMIT)
    assert refused.value.code == "ticket_used"


def _forged(genuine: str) -> list[str]:
    text, _, mark = genuine.rpartition(".")
    return [
        "",
        ".",
        text,
        f"{text}.",
        f"{text}x.{mark}",
        f"{text}.{mark}=",
        f"{text}.{mark[:-1]}",
        f"{genuine}{'x' * 300}",
        f"é.{mark}",
        "\ud800.x",
    ]


@pytest.mark.parametrize("number", range(10))
def test_a_forged_ticket_is_refused_without_a_read(desk: Desk, number: int) -> None:
    with pytest.raises(BadRequest) as refused:
        desk.access.enter(_forged(desk.tickets.issue(SIX))[number], LIMIT)
    assert refused.value.code == "bad_ticket"
    assert desk.documents.calls == []


@pytest.mark.parametrize("number", range(10))
def test_a_forged_cookie_opens_nothing_and_costs_no_read(
    desk: Desk, number: int
) -> None:
    cookie = desk.enter()
    desk.documents.calls.clear()
    assert not desk.knows(_forged(cookie)[number])
    assert desk.documents.calls == []


def test_no_key_serves_two_purposes(desk: Desk) -> None:
    ticket, cookie = desk.tickets.issue(SIX), desk.enter()
    assert not desk.knows(ticket)
    with pytest.raises(BadRequest):
        desk.access.enter(cookie, LIMIT)
    assert not desk.access.is_own_form(cookie, cookie.rpartition(".")[2])


def test_another_apps_secret_signs_nothing_here(desk: Desk) -> None:
    theirs = Tickets(Secret("another"), lambda: desk.now).issue(SIX)
    with pytest.raises(BadRequest):
        desk.access.enter(theirs, LIMIT)


def test_a_form_belongs_to_one_session(desk: Desk) -> None:
    first = desk.enter()
    token = desk.access.form_token(first)
    second = desk.enter()
    assert desk.access.is_own_form(first, token)
    assert not desk.access.is_own_form(second, token)
    assert not desk.access.is_own_form(first, "")


def test_a_new_login_ends_the_session_before_it(desk: Desk) -> None:
    first, second = desk.enter(), desk.enter()
    assert not desk.knows(first)
    assert desk.knows(second)


def test_of_two_logins_at_once_one_session_is_left(desk: Desk) -> None:
    other: list[str] = []
    ticket = desk.tickets.issue(SIX)
    original = desk.documents.commit
    commits = iter(range(100))

    def interrupted(writes: object, deadline: Deadline) -> tuple[str, ...]:
        if next(commits) == 2:  # the ticket, the session, and now the latest
            desk.documents.commit = original  # type: ignore[method-assign]  # once
            other.append(desk.enter())
        return original(writes, deadline)  # type: ignore[arg-type]  # passed on

    desk.documents.commit = interrupted  # type: ignore[method-assign]  # a rival's turn
    mine = desk.access.enter(ticket, LIMIT)
    assert desk.knows(mine)
    assert not desk.knows(other[0])


def test_logging_out_ends_it_at_once_and_again_is_no_fault(desk: Desk) -> None:
    cookie = desk.enter()
    desk.access.leave(cookie, LIMIT)
    assert not desk.knows(cookie)
    desk.access.leave(cookie, LIMIT)


def test_a_logout_that_meets_another_one_is_done(desk: Desk) -> None:
    cookie = desk.enter()
    desk.documents.fail("commit", Conflict("gone"), applied=True)
    desk.access.leave(cookie, LIMIT)
    assert not desk.knows(cookie)


def test_a_silent_store_opens_nothing(desk: Desk) -> None:
    cookie, ticket = desk.enter(), desk.tickets.issue(SIX)
    desk.documents.fail("get", times=9)
    desk.documents.fail("commit", times=9)
    with pytest.raises(Unavailable):
        desk.access.session(cookie, LIMIT)
    with pytest.raises(Unavailable):
        desk.access.enter(ticket, LIMIT)
    with pytest.raises(Unavailable):
        desk.access.leave(cookie, LIMIT)


def test_the_store_holds_no_cookie(desk: Desk) -> None:
    cookie = desk.enter()
    text, _, mark = cookie.rpartition(".")
    assert text not in repr(desk.documents.stored)
    assert mark not in repr(desk.documents.stored)


def test_a_signed_text_is_read_back_and_a_mark_is_256_bits() -> None:
    signer = Signer(SECRET, b"a purpose")
    assert signer.read(signer.sign("a.b.c")) == "a.b.c"
    assert len(base64.urlsafe_b64decode(signer.mark("x") + "=")) == 32


def test_a_ticket_says_nothing_but_times_and_chance() -> None:
    now = datetime(2026, 11, 25, 3, 15, tzinfo=UTC)
    ticket = Tickets(SECRET, lambda: now, lambda size: "0" * size).issue(SIX)
    text, _, _ = ticket.rpartition(".")
    assert text == f"{int(now.timestamp())}-{int(SIX.timestamp())}-{'0' * 16}"
