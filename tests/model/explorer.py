"""Every interleaving within bounds, shortest first; and random ones far beyond them."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from time import process_time
from typing import Any, Protocol

from tests.model.stage import Tree

_AT_REST = "all are at rest and reconcile runs on"


class Played(Protocol):
    """A game: states that can be compared, and the moves between them."""

    tree: Tree

    def start(self) -> Any:
        """Return the first state."""

    def moves(self, w: Any) -> Iterator[tuple[str, Any]]:
        """Yield every next state, or the violation, with its name."""

    def at_rest(self, w: Any) -> str:
        """Return the promise broken if nothing moves any more, empty for none."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an exploration came to."""

    promise: str
    """The promise that was broken, empty when all held."""
    path: tuple[str, ...]
    states: int
    moves: int
    steps: int
    """Steps of the shipped code that were run."""
    seconds: float

    def __str__(self) -> str:
        head = (
            f"{self.states:,} states, {self.moves:,} moves, {self.steps:,} steps of "
            f"code, {self.seconds:.1f} s of CPU"
        )
        if not self.promise:
            return head
        return "\n    ".join((f"broken: {self.promise} ({head})", *self.path))


def explore(game: Played, most: int = 10**9) -> Found:
    """Visit every reachable state, fewest moves first; stop at a broken promise.

    No more than about `most` states are visited.
    """
    began = process_time()
    states = [game.start()]
    seen = set(states)
    came: list[tuple[int, str]] = [(-1, "")]
    moves = at = 0
    broken = last = ""
    with _quiet():
        while at < len(states) < most and not broken:
            w = states[at]
            if broken := game.at_rest(w):
                last = _AT_REST
                break
            for name, new in game.moves(w):
                moves += 1
                if hasattr(new, "promise"):
                    broken, last = new.promise, name
                    break
                known = len(seen)
                seen.add(new)  # one hash of a large state, not two
                if len(seen) > known:
                    states.append(new)
                    came.append((at, name))
            at += not broken
    path = [last] if broken else []
    while broken and at >= 0:
        at, name = came[at]
        path.append(name)
    spent = process_time() - began
    said = tuple(reversed(path[:-1]))
    return Found(broken, said, len(states), moves, game.tree.nodes, spent)


def wander(game: Played, random: Random, walks: int) -> Found:
    """Walk at random from the start, to the end each time; stop like `explore`."""
    began = process_time()
    moves = 0
    with _quiet():
        for walk in range(walks):
            w, path, broken = game.start(), [], ""
            while not broken:
                if broken := game.at_rest(w):
                    path.append(_AT_REST)
                    break
                choices = list(game.moves(w))
                if not choices:
                    break
                name, new = random.choice(choices)
                moves += 1
                path.append(name)
                if hasattr(new, "promise"):
                    broken = new.promise
                else:
                    w = new
            if broken:
                return _found(broken, path, walk, moves, game, began)
    return _found("", [], walks, moves, game, began)


def follow(game: Played, path: tuple[str, ...]) -> str:
    """Return the promise broken along a path or at rest behind it, empty for none."""
    w = game.start()
    with _quiet():
        for name in path:
            new = dict(game.moves(w))[name]
            if hasattr(new, "promise"):
                return str(new.promise)
            w = new
        return game.at_rest(w)


def _found(
    broken: str, path: list[str], walks: int, moves: int, game: Played, began: float
) -> Found:
    spent = process_time() - began
    return Found(broken, tuple(path), walks, moves, game.tree.nodes, spent)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep a million warnings from being formatted and as many states from the GC.

    States are never garbage while they are explored; looking through them again and
    again took a tenth of the time.
    """
    before, collects = logging.root.manager.disable, gc.isenabled()
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        yield
    finally:
        logging.disable(before)
        if collects:
            gc.enable()
