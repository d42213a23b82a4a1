from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from shared import logs
from shared.broker import Granted, LoginQueue
from shared.errors import BadRequest, Problem, Unavailable
from shared.login import LoginFlow, OwnersKey, States
from shared.models import Secret, Token
from shared.tokens import StoredToken
from tests.fakes.login import (
    SIX,
    MemoryOnce,
    MemoryTokens,
    ScriptedLogin,
    Time,
    code,
    jwt,
    token,
)

EARLIER = token("earlier", expires_at=SIX - timedelta(days=1))


class World:
    """One owner, one FYERS, one store, and as many instances as wanted."""

    def __init__(self, owner: str = "XA00001", stored: Token | None = EARLIER) -> None:
        self.time = Time()
        self.owner = owner
        self.login = ScriptedLogin()
        self.store = MemoryTokens(StoredToken(stored, 1) if stored else None)
        self.once = MemoryOnce(self.time)

    def flow(self) -> LoginFlow:
        states = States(Secret("the-apps-secret"), self.once, self.time)
        return LoginFlow(
            self.login,
            states,
            OwnersKey(Secret("the-apps-secret"), self.time),
            lambda: self.store,
            self.owner,
            self.time,
            self.time.deadline,
        )

    def key(self) -> str:
        """Return the key in the owner's own link."""
        return OwnersKey(Secret("the-apps-secret"), self.time).today()

    def started(self, key: str = "") -> str:
        """Start a login; return the state that travels through FYERS."""
        (state,) = parse_qs(urlsplit(self.flow().start(key)).query)["state"]
        return state

    def granting(self, of: str = "1", name: str = "new") -> Secret:
        """Let FYERS take a code once; return the access token it will give."""
        access = jwt(SIX, name)
        self.login.grants[code(of)] = Granted(access, Secret("refresh-of-today"))
        return access

    def redirect(self, **changes: str) -> dict[str, str]:
        """Return the query FYERS comes back with."""
        query = {"s": "ok", "code": "200", "auth_code": code("1")}
        return query | {"state": self.started()} | changes


def test_a_login_is_stored_and_says_until_when() -> None:
    world = World()
    access = world.granting()
    connection = world.flow().finish(world.redirect())
    assert (connection.until, connection.now) == (SIX, world.time.now)
    assert world.store.token == Token(
        access, Secret("refresh-of-today"), world.time.now, SIX, "XA00001"
    )


def test_what_was_granted_is_never_shown_in_a_log() -> None:
    world = World()
    access = world.granting()
    world.flow().finish(world.redirect())
    assert logs.masked(f"x {access.open()} refresh-of-today y") == "x *** *** y"


def test_the_first_login_ever_needs_nothing_stored() -> None:
    world = World(stored=None)
    world.granting()
    world.flow().finish(world.redirect())
    assert world.store.stored is not None
    assert world.store.stored.generation == 1


def _replayed(world: World) -> dict[str, str]:
    query = world.redirect()
    world.granting()
    world.flow().finish(query)
    world.store.stored = StoredToken(EARLIER, 1)
    world.granting()
    return query


def _expired(world: World) -> dict[str, str]:
    query = world.redirect()
    world.time.now += timedelta(minutes=11)
    return query


def _wrong_user(world: World) -> dict[str, str]:
    world.login.owners[world.granting("2", "theirs")] = "XB99999"
    return world.redirect(auth_code=code("2"))


REFUSED: list[tuple[str, Callable[[World], dict[str, str]], str]] = [
    ("a redirect replayed", _replayed, "state_used"),
    ("a state forged", lambda w: w.redirect(state="AAAA.BBBB"), "bad_state"),
    ("no state", lambda w: {"s": "ok", "auth_code": code("1")}, "bad_state"),
    ("a state expired", _expired, "state_expired"),
    ("another user's login", _wrong_user, "wrong_user"),
    (
        "a code FYERS does not take",
        lambda w: w.redirect(auth_code=code("x")),
        "login_refused",
    ),
    ("a failed login", lambda w: w.redirect(s="error", code="-1"), "login_failed"),
    ("a redirect without a code", lambda w: w.redirect(auth_code=""), "login_failed"),
    ("an empty address", lambda w: {}, "login_failed"),
]


@pytest.mark.parametrize(
    ("come_back", "said"),
    [pytest.param(come_back, said, id=name) for name, come_back, said in REFUSED],
)
def test_what_is_refused_leaves_the_stored_token_untouched(
    come_back: Callable[[World], dict[str, str]], said: str
) -> None:
    world = World()
    world.granting()
    query = come_back(world)
    with pytest.raises(BadRequest) as refused:
        world.flow().finish(query)
    assert refused.value.code == said
    assert world.store.stored == StoredToken(EARLIER, 1)


def test_a_replay_never_reaches_fyers() -> None:
    world = World()
    query = _replayed(world)
    exchanges = world.login.exchanges
    with pytest.raises(BadRequest):
        world.flow().finish(query)
    assert world.login.exchanges == exchanges


def test_no_words_of_the_redirect_are_shown() -> None:
    world = World()
    said = {"s": "error", "code": "-1", "message": "call 555 and give your PIN"}
    with pytest.raises(BadRequest) as refused:
        world.flow().finish(world.redirect(**said))
    assert refused.value.message == "FYERS did not log you in; start again"


@pytest.mark.parametrize(
    "junk", ["unauthorized in", "x", "eyJ", "eyJaaaaaa.b", "eyJaaaaaa.b.c d", "a.b.c"]
)
def test_what_cannot_be_a_code_of_fyers_reaches_nothing(junk: str) -> None:
    world = World()
    world.once.doubt = world.store.doubt = True
    reads = world.store.reads
    with pytest.raises(BadRequest) as refused:
        world.flow().finish(world.redirect(auth_code=junk))
    assert refused.value.code == "bad_code"
    assert (world.login.begun, world.store.reads) == ([], reads)


def test_a_code_is_shown_by_no_log_though_nothing_remembers_it() -> None:
    assert logs.masked(f"at {code()} here") == "at *** here"


def test_a_login_from_the_owners_link_takes_the_owners_queue() -> None:
    world = World()
    world.granting()
    world.login.full = {LoginQueue.OTHERS}
    query = world.redirect(state=world.started(world.key()))
    assert world.flow().finish(query).until == SIX
    assert world.login.begun == [LoginQueue.OWNER]


def test_a_login_that_finds_no_room_has_used_up_nothing() -> None:
    world = World()
    world.granting()
    world.login.full = {LoginQueue.OTHERS}
    flow, query = world.flow(), world.redirect()
    with pytest.raises(Unavailable, match="login notice"):
        flow.finish(query)
    world.login.full.clear()
    assert flow.finish(query).until == SIX


def test_a_stranger_costs_no_write() -> None:
    world = World()
    _wrong_user(world)
    for junk in (code("junk"), code("2")):
        with pytest.raises(BadRequest):
            world.flow().finish(world.redirect(auth_code=junk))
    assert world.once.names == {}


def test_a_silent_store_uses_up_neither_state_nor_code() -> None:
    world = World()
    world.granting()
    query = world.redirect()
    world.store.doubt = True
    with pytest.raises(Unavailable):
        world.flow().finish(query)
    world.store.doubt = False
    assert world.flow().finish(query).until == SIX


def test_a_silent_claim_store_uses_up_no_code() -> None:
    world = World()
    world.granting()
    query = world.redirect(state=world.started(world.key()))
    world.once.doubt = True
    with pytest.raises(Unavailable):
        world.flow().finish(query)
    assert world.login.exchanges == 0


def test_a_silent_fyers_asks_to_start_again() -> None:
    world = World()
    world.login.silent = True
    with pytest.raises(Unavailable, match="start again"):
        world.flow().finish(world.redirect())


def test_an_access_token_without_an_end_is_not_stored() -> None:
    world = World()
    world.login.grants[code("1")] = Granted(Secret("opaque"), None)
    with pytest.raises(Unavailable):
        world.flow().finish(world.redirect())
    assert world.store.token == EARLIER


def test_the_owner_is_known_in_either_case() -> None:
    world = World(owner="xa00001")
    world.granting()
    assert world.flow().finish(world.redirect()).until == SIX


def test_without_an_owner_the_first_login_decides() -> None:
    world = World(owner="", stored=None)
    world.granting()
    world.flow().finish(world.redirect())
    with pytest.raises(BadRequest) as refused:
        world.flow().finish(_wrong_user(world))
    assert refused.value.code == "wrong_user"


def test_a_renewal_meanwhile_gives_way_to_the_login() -> None:
    world = World()
    access = world.granting()
    world.store.before_write = lambda: world.store.put(EARLIER)
    world.flow().finish(world.redirect())
    assert world.store.token is not None
    assert world.store.token.access == access


def test_of_two_logins_at_once_the_later_stays() -> None:
    world = World()
    world.granting()
    later = Token(
        jwt(SIX, "later"), None, world.time.now + timedelta(1), SIX, "XA00001"
    )
    world.store.before_write = lambda: world.store.put(later)
    world.flow().finish(world.redirect())
    assert world.store.token is later


def test_a_write_whose_answer_was_lost_is_settled_by_reading() -> None:
    world = World()
    world.granting()
    world.store.reply_lost = True
    assert world.flow().finish(world.redirect()).until == SIX


def test_a_write_that_did_not_arrive_is_no_login() -> None:
    world = World()
    world.granting()
    world.store.request_lost = True
    with pytest.raises(Unavailable, match="could not be stored"):
        world.flow().finish(world.redirect())
    assert world.store.token == EARLIER


def test_others_who_keep_storing_end_in_start_again() -> None:
    world = World()
    world.granting()

    def again() -> None:
        world.store.put(EARLIER)
        world.store.before_write = again

    world.store.before_write = again
    with pytest.raises(Unavailable, match="others are logging in"):
        world.flow().finish(world.redirect())


def test_a_store_that_falls_silent_in_the_end_is_no_login() -> None:
    world = World()
    access = world.granting()
    world.store.before_write = lambda: setattr(world.store, "doubt", True)
    with pytest.raises(Unavailable):
        world.flow().finish(world.redirect())
    world.store.doubt = False
    assert world.store.token is not None
    assert world.store.token.access != access


def test_a_code_by_itself_logs_in_too() -> None:
    world = World()
    access = world.granting("by-hand")
    content = world.flow().finish_with_code(Secret(code("by-hand"))).content()
    assert content["success"] is True
    assert content["expires_at"] == "2026-11-24T06:00:00+05:30"
    assert world.store.token is not None
    assert world.store.token.access == access


def test_a_code_of_another_user_is_refused_too() -> None:
    world = World()
    world.login.owners[world.granting("by-hand", "theirs")] = "XB99999"
    with pytest.raises(Problem, match="another FYERS user"):
        world.flow().finish_with_code(Secret(code("by-hand")))
    assert world.store.token == EARLIER


def test_the_connection_is_known_while_the_token_lives() -> None:
    world = World()
    assert world.flow().connection().until is None
    world.granting()
    world.flow().finish(world.redirect())
    assert world.flow().connection().until == SIX


def test_the_connection_is_unknown_while_the_store_is_silent() -> None:
    world = World()
    world.store.doubt = True
    with pytest.raises(Unavailable):
        world.flow().connection()
