"""What the deploy tests share: a committed copy of the tree, and the real gcloud."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.deploy import project as projects
from tests.deploy.scenarios import Broken, Whole, break_and_repeat, live_and_die

_Story = TypeVar("_Story")


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
def gcloud_python() -> Path:
    """Return the Python that gcloud runs on."""
    root = Path(shutil.which("gcloud") or "/").resolve().parents[1]
    bundled = root / "platform" / "bundledpythonunix" / "bin" / "python3"
    return bundled if bundled.exists() else Path(sys.executable)


@pytest.fixture(scope="session", autouse=True)
def _gcloud_host(gcloud_python: Path) -> Iterator[None]:
    """Let gcloud be imported once for all calls of this worker."""
    found = shutil.which("gcloud")
    if not found:
        yield
        return
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        address = f"{home}/host"  # short: a socket's name has a hundred letters at most
        root = Path(found).resolve().parents[1]
        with subprocess.Popen(
            [str(gcloud_python), "-S", str(projects.HOST_PROGRAM), str(root), address],
            env={"PATH": os.environ["PATH"], "HOME": home},
            stdin=subprocess.PIPE,  # its end is the host's
            stdout=subprocess.PIPE,
        ) as host:
            assert host.stdout is not None
            assert host.stdout.readline() == b"ready\n"
            patch.setenv("GCLOUD_HOST", address)
            patch.setenv("GCLOUD_PYTHON", str(gcloud_python))
            yield


@pytest.fixture(scope="session")
def whole(
    gcloud: Path, tmp_path_factory: pytest.TempPathFactory, run_folder: Path
) -> Whole:
    """Return the story of a project deployed, changed and destroyed."""
    return _told(run_folder / "whole", live_and_die, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def broken(
    gcloud: Path, tmp_path_factory: pytest.TempPathFactory, run_folder: Path
) -> Broken:
    """Return the story of a deploy that fails half way and is repeated."""
    home = tmp_path_factory.mktemp("broken")
    return _told(run_folder / "broken", break_and_repeat, home)


def _told(
    kept: Path, story: Callable[[projects.Project], _Story], home: Path
) -> _Story:
    """Return a story, played by the first worker that needs it."""
    with kept.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if said := file.read():
            found: _Story = pickle.loads(said)
            return found
        told = story(projects.clone(home))
        file.write(pickle.dumps(told))
        return told
