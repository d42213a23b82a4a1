"""Plays cells on several stages at once, ahead of the tests that ask for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from tests.faults.cells import Cell
from tests.faults.playing import Outcome, play
from tests.faults.stage import Stage


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
                outcome = play(stage, cell)
            except BaseException as error:
                self._end(future, error)
            else:
                self._end(future, outcome)

    def fail(self, error: BaseException) -> None:
        """Let every test that still waits fail with a stage's own failure."""
        with self._lock:
            self._waiting.clear()
            waiting = list(self._futures.values())
        for future in waiting:
            self._end(future, error)

    def _end(self, future: Future[Outcome], ends: Outcome | BaseException) -> None:
        with self._lock:
            if future.done():
                return  # a stage that broke down ended it already
            if isinstance(ends, Outcome):
                future.set_result(ends)
            else:
                future.set_exception(ends)
