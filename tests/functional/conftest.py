"""What every functional test is held to: no secret in anything that was logged here."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.functional.login_world import KNOWN_SECRETS, leaked


class _Everything(logging.Handler):
    """Keeps what this process logs, as a formatter would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += self.format(record).splitlines()


@pytest.fixture(scope="session", autouse=True)
def _no_secret_in_any_log() -> Iterator[None]:
    """Search this process's log; each world searches what its processes wrote."""
    everything = _Everything()
    logging.getLogger().addHandler(everything)
    yield
    logging.getLogger().removeHandler(everything)
    assert leaked(everything.lines, sorted(KNOWN_SECRETS)) == []
