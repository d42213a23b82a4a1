"""A FYERS adapter over a scripted loopback server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.adapters.fyers.orders import FyersBroker
from shared.adapters.fyers.pace import Pace
from shared.adapters.fyers.transport import Transport
from shared.broker import Turn
from shared.errors import NotLoggedIn
from shared.models import Deadline, Secret, Token
from tests.contract.fyers.loopback import Loopback

APP_ID = "ABCD1234-200"


def token(text: str) -> Token:
    return Token(
        Secret(text),
        Secret("refresh-token"),
        datetime(2026, 11, 23, tzinfo=UTC),
        datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
        "XX00001",
    )


def within(seconds: float = 2.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


@dataclass
class Desk:
    """One broker, its server and what it asked of the token and the clock."""

    server: Loopback
    tokens: list[str] = field(default_factory=lambda: ["token-1"])
    renewed: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transport = Transport(APP_ID, self.server.url, time.monotonic)
        self.pace = Pace(0, time.monotonic, self.pauses.append)
        self.broker = FyersBroker(
            self.transport,
            self.pace,
            lambda _: self._current(),
            self._renew,
            self.pauses.append,
        )

    def turn(self, seconds: float = 2.0) -> Turn:
        return self.broker.turn(1, within(seconds))

    def _current(self) -> Token:
        if not self.tokens:
            raise NotLoggedIn("a person must log in")
        return token(self.tokens[0])

    def _renew(self, refused: Token, _: Deadline) -> Token:
        self.renewed.append(refused.access.open())
        self.tokens.pop(0)
        return self._current()


@pytest.fixture
def server() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.close()


@pytest.fixture
def desk(server: Loopback) -> Desk:
    return Desk(server)
