"""What the deploy tests share: a committed copy of the tree, and the real gcloud."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.deploy import project as projects
from tests.deploy.scenarios import Broken, Whole, break_and_repeat, live_and_die


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> projects.Project:
    """Return a clone nobody changes."""
    return projects.clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def own_project(tmp_path: Path) -> projects.Project:
    """Return a clone the test may change."""
    return projects.clone(tmp_path)


@pytest.fixture(scope="session")
def gcloud() -> Path:
    """Return the real gcloud; CI may not do without it."""
    found = shutil.which("gcloud")
    if found:
        return Path(found).resolve()
    if os.environ.get("REQUIRE_EMULATORS") == "1":
        pytest.fail("gcloud is missing, and REQUIRE_EMULATORS=1 says it must be here")
    pytest.skip("gcloud is not installed")


@pytest.fixture(scope="session")
def _running(
    gcloud: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[object, object]]:
    """Start both long stories at once: gcloud mostly waits for one processor."""
    homes = [tmp_path_factory.mktemp(name) for name in ("whole", "broken")]
    with ThreadPoolExecutor(2) as pool:
        yield (
            pool.submit(live_and_die, projects.clone(homes[0])),
            pool.submit(break_and_repeat, projects.clone(homes[1])),
        )


@pytest.fixture(scope="session")
def whole(_running: tuple[object, object]) -> Whole:
    """Return the story of a project deployed, changed and destroyed."""
    return _running[0].result()  # type: ignore[attr-defined, no-any-return]  # a Future


@pytest.fixture(scope="session")
def broken(_running: tuple[object, object]) -> Broken:
    """Return the story of a deploy that fails half way and is repeated."""
    return _running[1].result()  # type: ignore[attr-defined, no-any-return]  # a Future
