"""Plays the cells on several stages at once; each test waits for its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.faults.backends import Embedded
from tests.faults.cells import Cell
from tests.faults.playing import Outcome, play
from tests.faults.stage import Stage, staged

STAGES = 2
"""Each has two server processes; most cells wait more than they work."""


class Matrix:
    """Every selected cell, played in the order in which the tests ask."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._futures: dict[str, Future[Outcome]] = {c.id: Future() for c in cells}
        self._waiting = deque(cells)
        self._lock = threading.Lock()

    def outcome(self, cell: Cell) -> Outcome:
        """Return what became of a cell, once it was played."""
        with self._lock:
            future = self._futures.get(cell.id)
            if future is None:
                future = self._futures[cell.id] = Future()
                self._waiting.append(cell)
        return future.result(timeout=600)

    def work(self, stage: Stage, over: threading.Event) -> None:
        """Play cells on a stage until told that it is over."""
        while not over.is_set():
            with self._lock:
                cell = self._waiting.popleft() if self._waiting else None
            if cell is None:
                over.wait(0.02)
                continue
            future = self._futures[cell.id]
            try:
                future.set_result(play(stage, cell))
            except BaseException as error:
                future.set_exception(error)


@pytest.fixture(scope="session")
def matrix(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matrix]:
    """Return the matrix while its stages stand."""
    wanted = [
        item.callspec.params["cell"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and isinstance(item.callspec.params.get("cell"), Cell)
    ]
    matrix = Matrix(wanted)
    over = threading.Event()
    folders = [tmp_path_factory.mktemp("stage") for _ in range(STAGES)]
    threads = [
        threading.Thread(target=_run, args=(matrix, folder, over), daemon=True)
        for folder in folders
    ]
    for thread in threads:
        thread.start()
    yield matrix
    over.set()
    for thread in threads:
        thread.join(60)


def _run(matrix: Matrix, folder: Path, over: threading.Event) -> None:
    with staged(folder, Embedded(folder / "state")) as stage:
        matrix.work(stage, over)
