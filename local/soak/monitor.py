"""Watches the account from outside: what is wrong, since when, until when.

FYERS's truth is looked at several times a second; what the functions believe is not
asked. Whoever reads FYERS may know of a thing only once its lag is over, so it begins
then.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from local.soak.phone import Heard
from simulator.book import Order
from simulator.server import Simulator

LOOKS_EVERY = 0.5

STRAY, BARE, REVERSED = "stray exits", "bare", "reversed"
"""Exits larger than the short; a short larger than its stops; a long nobody wants."""

TELLING = {
    STRAY: ("exits_left_behind", "exits_beyond", "unexpected_position"),
    BARE: ("exits_missing", "order_rejected", "part_filled", "exits_wrong"),
    REVERSED: ("unexpected_position",),
}
"""Events that tell the owner of it."""

PATIENCE = {STRAY: 0.0, BARE: 60.0, REVERSED: 0.0}
"""Seconds the guard gives it before it speaks."""

SLACK = 0.5

_STOPS = (3, 4)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of reconcile that saw the account and reached the owner."""

    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Episode:
    """One thing that was wrong with a contract."""

    kind: str
    ticker: str
    began: float
    """Seconds on the monotonic clock, when FYERS first could show it."""
    size: int
    ended: float | None = None


@dataclass(slots=True)
class Monitor:
    """Every episode and every good run, in order."""

    fyers: Simulator
    episodes: list[Episode] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    _open: dict[tuple[str, str], Episode] = field(default_factory=dict)

    def play(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while not stop.wait(LOOKS_EVERY):
            self.look()

    def look(self) -> None:
        """Open an episode for each new fault and end those that are over."""
        now, options = time.monotonic(), self.fyers.options
        lag = max(options.positions_lag, options.book_lag, options.fills_lag)
        seen = dict(_faults(self.fyers))
        for (kind, ticker), size in seen.items():
            if (kind, ticker) not in self._open:
                begun = Episode(kind, ticker, now + lag, size)
                self._open[kind, ticker] = begun
        for key, episode in list(self._open.items()):
            if key not in seen:
                del self._open[key]
                self.episodes.append(replace(episode, ended=now))

    @property
    def all(self) -> list[Episode]:
        """Return every episode, those that last too."""
        return [*self.episodes, *self._open.values()]


def _faults(fyers: Simulator) -> Iterator[tuple[tuple[str, str], int]]:
    exchange = fyers.exchange
    with exchange.lock:
        held: dict[str, int] = defaultdict(int)
        for position in exchange.positions:
            held[position.contract.ticker] += position.net
        working: dict[str, list[Order]] = defaultdict(list)
        for order in exchange.orders:
            if order.working and order.side > 0:
                working[order.symbol].append(order)
        for ticker in {*held, *working}:
            yield from _of(ticker, held[ticker], working[ticker])


def _of(
    ticker: str, net: int, working: Sequence[Order]
) -> Iterator[tuple[tuple[str, str], int]]:
    short = max(0, -net)
    legs: dict[str, int] = defaultdict(int)
    stops = 0
    for order in working:
        if order.wish.type in _STOPS:
            stops += order.left
        if order.parent_id is not None:
            legs[order.parent_id] = max(legs[order.parent_id], order.left)
    if sum(legs.values()) > short:
        yield (STRAY, ticker), sum(legs.values()) - short
    if short > stops:
        yield (BARE, ticker), short - stops
    if net > 0:
        yield (REVERSED, ticker), net


def told_at(episode: Episode, heard: Iterable[Heard]) -> float | None:
    """Return when the owner first heard of an episode, None if never."""
    times = (
        notice.at
        for notice in heard
        if notice.contract == episode.ticker
        and notice.event in TELLING[episode.kind]
        and notice.at >= episode.began - SLACK
    )
    return min(times, default=None)


def untold(episode: Episode, runs: Sequence[Run], heard: Iterable[Heard]) -> bool:
    """Return whether the second good run after it began passed without a word.

    What takes patience is due with the first run after it, counted from the run that
    saw it first.
    """
    after = [run for run in runs if run.began >= episode.began]
    if len(after) < 2:
        return False
    seen = after[0].began
    wait = PATIENCE[episode.kind]
    due = next((run for run in after[1:] if run.began - seen >= wait + SLACK), None)
    if due is None or (episode.ended is not None and episode.ended <= due.ended):
        return False
    at = told_at(episode, heard)
    return at is None or at > due.ended + SLACK
