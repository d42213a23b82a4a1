"""What can happen next: who arrives, who moves, who dies, and the time that passes."""

from __future__ import annotations

from collections.abc import Iterator

from shared.orders import Answer
from tests.model.cast import RULES, Broken, Machine
from tests.model.outside import Outcome, Outside, write_name
from tests.model.rest import Rest
from tests.model.stage import Pause, Quote, Send, Tree
from tests.model.world import (
    Bounds,
    Ended,
    Fate,
    Heard,
    Left,
    Running,
    Violation,
    World,
)

TICKS = (4.5, 31.0)
"""Past every deadline and lease; past what reconcile waits for."""

SEEN_WITHIN = 3.0
"""TradingView hangs up then: a later reply is neither seen nor followed by a resend."""

RESENT_AFTER = 5.0
LATER = 60.0
"""By then the window of any delivery of the first alert is over."""

Move = tuple[str, World | Violation]


class Game:
    """All moves of one machine within bounds."""

    def __init__(self, machine: Machine, bounds: Bounds) -> None:
        self.machine = machine
        self.bounds = bounds
        self.tree = Tree()
        posts = (
            *_names("delivery", 1 + bounds.resends),
            *_names("duplicate", bounds.duplicates),
            *_names("later alert", bounds.later),
        )
        runs = _names("reconcile", bounds.runs)
        self.names = (*posts, *runs)
        self._bodies = [machine.delivery(name, bounds.keyed) for name in posts]
        self._bodies += [machine.run() for _ in runs]
        self.alerts = {name: int(name.startswith("later")) for name in posts}
        self._rest = Rest(machine, self)
        self.outside = Outside(machine, self.alerts, bounds.keyed, bounds.fates)

    def start(self) -> World:
        """Return the state before the first delivery."""
        b = self.bounds
        left = Left(b.crashes, b.doubts, b.ticks, b.stalls, b.troubles)
        actors = (None,) * len(self.names)
        return World(None, (), frozenset(), (), 0.0, actors, left, (Heard(), Heard()))

    def at_rest(self, w: World) -> str:
        """Return the promise broken if the alert came and nobody is at work."""
        resting = w.actors[0] is not None and not _busy(w)
        return self._rest.broken(w) if resting else ""

    def moves(self, w: World) -> Iterator[Move]:
        """Yield every next state, or the promise it breaks, with its name."""
        for i, actor in enumerate(w.actors):
            if isinstance(actor, Running) and isinstance(
                actor.node.call, Quote | Pause | Send
            ):
                # Nobody else sees this call: doing it first loses no outcome but the
                # order of two notices sent at the same moment.
                yield from self._step(w, i, actor)
                return
        for i, actor in enumerate(w.actors):
            if isinstance(actor, Running):
                yield from self._step(w, i, actor)
            elif actor is None:
                yield from self._begin(w, i)
        yield from self._elsewhere(w)

    def _begin(self, w: World, i: int) -> Iterator[Move]:
        name = self.names[i]
        wait = self._due(w, i)
        if wait is None or (i and w.actors[i - 1] is None and _alike(self.names, i)):
            return  # of those alike, the first one first
        w = w.later(wait)
        node = self.tree.root(i, self._bodies[i], w.wall)
        yield f"{name} begins", w.put(i, Running(node, 0.0, w.wall))

    def _due(self, w: World, i: int) -> float | None:
        """Return the seconds until an actor may begin, None if it may not."""
        name = self.names[i]
        if i == 0:
            return 0.0 if w.wall == 0 else None
        if i <= self.bounds.resends:
            before = w.actors[i - 1]
            if not isinstance(before, Ended) or before.resent_at is None:
                return None
            wait = before.resent_at - w.wall
            # What was due long ago was not sent.
            return max(0.0, wait) if wait >= -RESENT_AFTER else None
        if name.startswith("duplicate"):
            return 0.0 if self.bounds.keyed or w.wall < RULES.window else None
        if name.startswith("later") and w.wall < LATER:
            return None
        return 0.0 if w.actors[0] is not None else None

    def _elsewhere(self, w: World) -> Iterator[Move]:
        yield from self._time(w)
        for call in w.under_way:
            done = self.outside.written(w, call)
            if done is not None:
                rest = w._replace(under_way=w.under_way - {call})
                landed = self.outside.store(rest, call, done)
                yield f"{write_name(call)}: lands late", landed
        for n, booked in enumerate(w.orders):
            if booked.fate is Fate.HIDDEN:
                yield "the order book shows the order", w.show(n)

    @staticmethod
    def _time(w: World) -> Iterator[Move]:
        for seconds in TICKS:
            if w.left.ticks and w.actors[0] is not None:
                yield f"{seconds:g} s pass", w.spend("ticks").later(seconds)
            if w.left.stalls and _busy(w):
                still = w.spend("stalls")._replace(wall=w.wall + seconds)
                yield f"{seconds:g} s pass while the instances stand still", still

    def _step(self, w: World, i: int, actor: Running) -> Iterator[Move]:
        for outcome in self.outside.answers(w, self.names[i], actor):
            yield f"{self.names[i]}: {outcome.name}", self._go(i, actor, outcome)
        if w.left.crashes and not isinstance(actor.node.call, Quote | Pause):
            spent = w.spend("crashes")
            yield f"{self.names[i]} is killed", spent.put(i, Ended())
            if self._resendable(w, i, actor):
                resent = spent.put(i, Ended(w.wall + RESENT_AFTER))
                yield f"{self.names[i]} is killed, the platform says 5xx", resent

    def _go(self, i: int, before: Running, outcome: Outcome) -> World | Violation:
        w, actor = outcome.world, outcome.actor
        if isinstance(w, Violation):
            return w
        node = self.tree.after(
            before.node, outcome.key, outcome.answer, w.wall, actor.mono
        )
        if node.call is not None:
            return w.put(i, actor._replace(node=node))
        if isinstance(node.returned, Broken):
            return Violation(f"no exception leaves the code: {node.returned.text}")
        if isinstance(node.returned, Answer):
            return self._reply(w, i, actor, node.returned)
        return w.put(i, Ended())

    def _reply(
        self, w: World, i: int, actor: Running, answer: Answer
    ) -> World | Violation:
        status, alert = answer.reply.status, self.alerts[self.names[i]]
        if status >= 500 and actor.sent:
            return Violation("who may have sent says no 5xx")
        if answer.replayed and answer.reply not in w.replies():
            return Violation("a replay is the stored answer, byte for byte")
        if status == 200 and not w.orders:
            return Violation("200 means that there is an order")
        if w.wall - actor.arrived <= SEEN_WITHIN:
            told = status in (202, 400, 410, 424) or None
            denied = {200: False, 202: False, 410: True}.get(status)
            w = w.hear(alert, told=told, denied=denied)
        again = status >= 500 and self._resendable(w, i, actor)
        return w.put(i, Ended(w.wall + RESENT_AFTER if again else None))

    def _resendable(self, w: World, i: int, actor: Running) -> bool:
        return i < self.bounds.resends and w.wall - actor.arrived <= SEEN_WITHIN


def _names(what: str, count: int) -> tuple[str, ...]:
    return tuple(f"{what} {n + 1}" for n in range(count))


def _busy(w: World) -> bool:
    return any(isinstance(actor, Running) for actor in w.actors)


def _alike(names: tuple[str, ...], i: int) -> bool:
    return names[i].split()[0] == names[i - 1].split()[0]
