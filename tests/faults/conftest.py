"""The stages of the matrix; each test waits for its own cell."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.standins.emulators import Emulator
from tests.faults.cells import Cell
from tests.faults.matrix import Matrix
from tests.faults.stage import staged
from tests.support.backends import Backend, Embedded

STAGES = 3
"""Each has two server processes; most cells wait more than they work."""


@pytest.fixture(scope="session")
def matrix(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matrix]:
    """Return the matrix on the embedded backend while its stages stand."""

    def backend(folder: Path) -> Backend:
        return Embedded(folder / "state")

    folders = [tmp_path_factory.mktemp("stage") for _ in range(STAGES)]
    with _played(_wanted(request, "matrix"), folders, backend) as matrix:
        yield matrix


@pytest.fixture(scope="session")
def cloud_matrix(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    firestore_emulator: Emulator,
) -> Iterator[Matrix]:
    """Return the matrix on Firestore's emulator while its stages stand."""
    # Google's packages warn on import, before pytest knows which warnings to ignore.
    from tests.faults.cloud import Cloud

    made: list[Cloud] = []

    def backend(_folder: Path) -> Backend:
        made.append(Cloud(firestore_emulator.host))
        return made[-1]

    folders = [tmp_path_factory.mktemp("stage") for _ in range(STAGES)]
    with _played(_wanted(request, "cloud_matrix"), folders, backend) as matrix:
        yield matrix
    for each in made:
        each.close()


@contextlib.contextmanager
def _played(
    cells: list[Cell], folders: list[Path], backend: Callable[[Path], Backend]
) -> Iterator[Matrix]:
    matrix = Matrix(cells)
    over = threading.Event()

    def run(folder: Path) -> None:
        try:
            with staged(folder, backend(folder)) as stage:
                matrix.work(stage, over)
        except BaseException as error:
            matrix.fail(error)

    threads = [
        threading.Thread(target=run, args=(folder,), daemon=True) for folder in folders
    ]
    for thread in threads:
        thread.start()
    try:
        yield matrix
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def _wanted(request: pytest.FixtureRequest, fixture: str) -> list[Cell]:
    """Return the selected tests' cells in the tests' order."""
    cells: list[Cell] = []
    for item in request.session.items:
        if isinstance(item, pytest.Function) and fixture in item.fixturenames:
            cell = getattr(item, "callspec", None) and item.callspec.params.get("cell")
            if isinstance(cell, Cell):
                cells.append(cell)
    return cells
