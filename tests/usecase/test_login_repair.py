"""A stored token that is no token: a login repairs it, nothing else hides it."""

from pathlib import Path

import pytest

from shared.adapters.files import FileTokens
from shared.errors import Damaged, NotLoggedIn
from shared.login import LoginFlow, OwnersKey, States
from shared.models import Secret
from shared.tokens import Tokens
from tests.usecase.test_login import World


@pytest.fixture
def damaged(tmp_path: Path) -> FileTokens:
    (tmp_path / "tokens.json").write_text("{}")
    return FileTokens(tmp_path / "tokens.json", lambda _: None)


def test_a_login_replaces_a_damaged_token(damaged: FileTokens) -> None:
    world = World()
    access = world.granting()
    states = States(Secret("the-apps-secret"), world.once, world.time)
    flow = LoginFlow(
        world.login,
        states,
        OwnersKey(Secret("the-apps-secret"), world.time),
        lambda: damaged,
        world.owner,
        world.time,
        world.time.deadline,
    )
    flow.finish(world.redirect())
    stored = damaged.read(world.time.deadline())
    assert stored is not None
    assert stored.token.access == access


def test_a_damaged_token_is_told_as_a_missing_login(damaged: FileTokens) -> None:
    world = World()
    told = []

    def tell(dead: str, reason: str, _: object) -> bool:
        told.append(reason)
        return True

    tokens = Tokens(
        damaged, lambda *_: None, world.once, tell, world.time, lambda _: None
    )
    with pytest.raises(NotLoggedIn):
        tokens.current(world.time.deadline())
    assert len(told) == 1


def test_a_damaged_token_names_its_generation(damaged: FileTokens) -> None:
    with pytest.raises(Damaged) as found:
        damaged.read(World().time.deadline())
    assert found.value.generation
