"""What every kind of test shares: the emulators, one of each per run, and the order."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from local.standins.emulators import FIRESTORE, PUBSUB, Emulator
from tests.emulators import end, shared

# One profile for all: how long a draw or an example takes says how busy the machine
# is, never whether the code is right; nor does how many draws were too large to keep.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("any machine")

FIRST = ("model", "deploy", "faults", "browser", "functional", "contract", "usecase")
"""Folders in the order they are begun: the longest modules first, or the last of them
would keep one worker busy while the others have nothing left."""

_RUN = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    for warning in (
        # Google's packages announce the end of Python 3.11 on import.
        "ignore:You are using a Python version:FutureWarning",
        # Apprise imports it, and brings its own where it is gone.
        "ignore:'imghdr' is deprecated:DeprecationWarning",
    ):
        config.addinivalue_line("filterwarnings", warning)
    theirs = getattr(config, "workerinput", {}).get("run")
    config.stash[_RUN] = Path(theirs or tempfile.mkdtemp(prefix="fyers-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the folder that the workers share."""
    node.workerinput["run"] = str(node.config.stash[_RUN])


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run shares, once every worker is through."""
    if not hasattr(config, "workerinput"):
        end(config.stash[_RUN])
        shutil.rmtree(config.stash[_RUN])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return two workers a processor: half of the time a test waits for a server.

    `-n logical` is one, for the fault matrix: its deliveries have 2.2 seconds, and a
    machine that is late with them is late at FYERS too.
    """
    each = 1 if config.option.numprocesses == "logical" else 2
    return min(each * _processors(), 16)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders of long modules; within a folder the order stays."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[int, str]:
    folder = item.path.parent
    kind = next((name for name in FIRST if name in folder.parts), "")
    return FIRST.index(kind) if kind else len(FIRST), str(folder)


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """Return a folder that all workers share until the run ends."""
    return pytestconfig.stash[_RUN]


@pytest.fixture(scope="session")
def firestore_emulator(run_folder: Path) -> Emulator:
    """Return the Firestore emulator; a fresh project id is a clean database."""
    return shared(run_folder, FIRESTORE)


@pytest.fixture(scope="session")
def pubsub_emulator(run_folder: Path) -> Emulator:
    """Return the Pub/Sub emulator; create a topic before publishing."""
    return shared(run_folder, PUBSUB)
