"""What every kind of test shares: the emulators, one of each per run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
from hypothesis import HealthCheck, settings

from local.standins import emulators
from tests.emulators import missing

# One profile for all: how long a draw or an example takes says how busy the machine
# is, never whether the code is right.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    for warning in (
        # Google's packages announce the end of Python 3.11 on import.
        "ignore:You are using a Python version:FutureWarning",
        # Apprise imports it, and brings its own where it is gone.
        "ignore:'imghdr' is deprecated:DeprecationWarning",
    ):
        config.addinivalue_line("filterwarnings", warning)


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[emulators.Emulator]:
    """Return the Firestore emulator; a fresh project id is a clean database."""
    yield from _running(emulators.firestore)


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[emulators.Emulator]:
    """Return the Pub/Sub emulator; create a topic before publishing."""
    yield from _running(emulators.pubsub)


def _running(
    start: Callable[[], AbstractContextManager[emulators.Emulator]],
) -> Iterator[emulators.Emulator]:
    with ExitStack() as stack:
        try:
            emulator = stack.enter_context(start())
        except emulators.NoEmulator as error:
            missing(str(error))
        yield emulator
