"""What can happen next to a position: trades, cancels, deliveries, runs and time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from shared.orders import Answer
from shared.orders.after import LOOKS
from tests.model.cast import Broken
from tests.model.position.cast import (
    ENTRY_ID,
    ENTRY_TAG,
    FIRST,
    KEYS,
    SECOND,
    SECOND_TAG,
    Machine,
    entry_claim,
    order_id,
    second_claim,
)
from tests.model.position.outside import Outcome, Outside
from tests.model.position.promises import (
    WRONGS,
    crossed,
    in_two_products,
    is_ambiguous,
    mask_now,
    of_answer,
    of_run,
    refreshed,
)
from tests.model.position.world import (
    CAUGHT_UP,
    MOST_OVER,
    Ended,
    Entry,
    Hand,
    Kind,
    Left,
    Row,
    Running,
    Scene,
    Violation,
    World,
)
from tests.model.stage import (
    AskPositions,
    Body,
    Book,
    Call,
    Cancel,
    Ledger,
    Node,
    Pause,
    Resize,
    Tree,
    WriteLane,
    WriteState,
)

Move = tuple[str, World | Violation]

MINUTE = 61.0
TICKS = (5.5, 35.0)
"""Past the lease and what a close may rest; past what absence takes to be believed."""

SHOWN = 30.0
"""FYERS shows an order it took, and a trade in positions, before that."""


class Game:
    """All moves of one machine within a scene."""

    def __init__(self, machine: Machine, scene: Scene) -> None:
        self.machine = machine
        self.scene = scene
        self.tree = Tree(alike)
        counts = [
            scene.deliveries[: n + 1].count(c) for n, c in enumerate(scene.deliveries)
        ]
        posts = tuple(f"{c}{n}" for c, n in zip(scene.deliveries, counts, strict=True))
        self._resent = max(counts, default=1) > 1
        self.names = (*posts, *(f"run {n + 1}" for n in range(scene.runs)))
        verb = scene.verb or scene.closing_verb
        self._bodies = [
            machine.delivery(name, verb, scene.positions_first) for name in posts
        ]
        self.last = machine.delivery("C1", scene.closing_verb)
        self.run = machine.run()
        self._bodies += [self.run] * scene.runs
        self.outside = Outside(scene)
        self._settled: dict[World, str] = {}

    # The start

    def start(self) -> World:
        """Return the state before the first delivery."""
        s = self.scene
        left = Left(
            s.crashes,
            s.doubts,
            s.ticks,
            s.stalls,
            s.fails,
            s.square_offs,
            s.lost,
            s.switches or 0,
            s.converts,
        )
        w = World(
            claims=(-1,) * len(KEYS),
            lane=-1,
            told=-1,
            rows=_first_rows(s),
            lag=CAUGHT_UP,
            wall=0.0,
            last_run=-MINUTE,
            actors=(None,) * len(self.names),
            left=left,
            seen=(0,) * len(WRONGS),
            hand_stops=int(s.hand is Hand.STOP),
        )
        w = self.outside.put_claim(w, 0, entry_claim(s))
        for _ in range(s.before):
            ran = self.calm_run(w._replace(wall=w.wall + MINUTE))
            assert isinstance(ran, World)
            w = ran
        if s.entry is Entry.SECOND:
            w = self.outside.put_claim(w, SECOND, second_claim(s, len(w.rows), w.wall))
            row = Row(Kind.ENTRY, SECOND, 1, 0, True, False, SECOND_TAG, sent=w.wall)
            row = row._replace(margin=bool(s.carried))
            w = w._replace(rows=(*w.rows, row))
        return w

    # Moves

    def moves(self, w: World) -> Iterator[Move]:
        """Yield every next state, or the promise it breaks, with its name."""
        for i, actor in enumerate(w.actors):
            if isinstance(actor, Running) and isinstance(actor.node.call, Pause):
                # Nobody else sees it: doing it first loses no outcome.
                yield from self._step(w, i, actor)
                return
        for i, actor in enumerate(w.actors):
            turned = self._turned(w, i)
            if turned is not None and isinstance(actor, Running):
                yield from self._step(turned, i, actor)
            elif turned is not None and actor is None:
                yield from self._begin(turned, i)
        for name, new in self._elsewhere(w):
            if self.scene.plain and isinstance(new, World):
                new = new._replace(lag=CAUGHT_UP)
            yield name, refreshed(new, w) if isinstance(new, World) else new

    def _turned(self, w: World, i: int) -> World | None:
        """Return the world in which it is an actor's turn, None if it may not be."""
        if self.scene.switches is None or i == w.turn:
            return w
        if isinstance(w.actors[w.turn], Running):
            if not w.left.switches:
                return None
            w = w.spend("switches")
        return w._replace(turn=i)

    def _begin(self, w: World, i: int) -> Iterator[Move]:
        name = self.names[i]
        wait = self._due(w, i)
        if wait is None or (wait and not self._may_pass(w, wait)):
            return
        w = _later(w, wait)
        if name.startswith("run"):
            w = w._replace(last_run=w.wall)
        node = self.tree.root(name, self._bodies[i], w.wall)
        guards = name.startswith("run")
        begun = w.put(i, Running(node, 0.0, mask=mask_now(w), guards=guards))
        yield f"{name} begins", refreshed(begun)

    def _due(self, w: World, i: int) -> float | None:
        """Return the seconds until an actor may begin, None if it may not now."""
        kind = self.names[i][:1]
        before = [j for j in range(i) if self.names[j][:1] == kind]
        if not before:
            # Of alerts that are alike and have not come, the first one first.
            alike = kind != "r" and not self._resent
            return None if alike and None in w.actors[:i] else 0.0
        last = w.actors[before[-1]]
        if kind == "r":
            over = isinstance(last, Ended)
            wait = max(0.0, w.last_run + MINUTE - w.wall)
            return wait if over and not (wait and w.busy(self.names)) else None
        if self.scene.overlap:
            return 0.0 if last is not None else None
        # A resend comes 5 s after the delivery before it.
        over = isinstance(last, Ended) and not w.busy(self.names)
        return TICKS[0] if over else None

    def _step(self, w: World, i: int, actor: Running) -> Iterator[Move]:
        name = self.names[i]
        for outcome in self.outside.answers(w, name, i, actor):
            yield f"{name}: {outcome.name}", self._go(i, actor, outcome)
        if w.left.crashes and not isinstance(actor.node.call, Pause):
            dead = w.spend("crashes").put(i, Ended())
            yield f"{name} is killed", refreshed(dead)

    def _go(self, i: int, actor: Running, outcome: Outcome) -> World | Violation:
        if isinstance(outcome.world, Violation):
            return outcome.world
        w = outcome.world
        node = self.tree.after(
            actor.node, outcome.key, outcome.answer, w.wall, outcome.actor.mono
        )
        if node.call is not None:
            return refreshed(w.put(i, outcome.actor._replace(node=node)))
        w = refreshed(w.put(i, Ended()))
        if isinstance(node.returned, Broken):
            return Violation(f"no exception leaves the code: {node.returned.text}")
        if isinstance(node.returned, Answer):
            broken = of_answer(w, node.returned, outcome.actor, self.scene.verb)
            return Violation(broken) if broken else w
        return self._ran(w, outcome.actor.mask)

    def _ran(self, w: World, mask: int) -> World | Violation:
        claims = self.outside.all_claims(w)
        forgotten = not any(doc.claim.ledger for doc in claims)
        return of_run(w, mask, self.outside.states, forgotten)

    # What happens outside

    def _elsewhere(self, w: World) -> Iterator[Move]:
        """Yield what happens by itself, where it makes a difference now.

        To the store it makes none: what happens at FYERS while all at work stand at
        the store is left until one of them asks FYERS. No outcome is lost by that.
        """
        yield from self._time(w)
        asked = {
            type(actor.node.call) for actor in w.actors if isinstance(actor, Running)
        }
        if not asked or asked & {Book, AskPositions, Cancel, Resize}:
            yield from self._market(w)
        for n, row in enumerate(w.rows):
            if not row.shown and (not asked or Book in asked):
                yield from self._arrives(w, n, row)
        if w.lag != CAUGHT_UP and (not asked or AskPositions in asked):
            yield "positions catch up", w._replace(lag=CAUGHT_UP)

    def _market(self, w: World) -> Iterator[Move]:
        room = w.over < MOST_OVER
        for n, row in enumerate(w.rows):
            # FYERS trades what it took, whether its order book shows it yet or not.
            if row.works and (row.shown or row.owner != FIRST):
                yield from self._trades(w, n, row, room)
        size = max(0, w.sums.intraday)
        if w.left.square_offs and size:
            done = Row(Kind.SQUARE_OFF, -1, size, size, False, True)
            more = w.spend("square_offs")._replace(rows=(*w.rows, done))
            yield "square-off", _others_closed(more, size)
        if w.left.converts and size:
            more = w.spend("converts")._replace(moved=w.moved + size)
            yield "the owner converts to MARGIN", _stale(_excused(more, size))
        for leg, other in ((Kind.STOP, Kind.TARGET), (Kind.TARGET, Kind.STOP)):
            if any(row.kind is leg and row.filled for row in w.rows):
                yield from self._one_cancels(w, other)

    def _time(self, w: World) -> Iterator[Move]:
        for seconds in TICKS:
            if w.left.ticks and self._idle(w) and self._may_pass(w, seconds):
                yield f"{seconds:g} s pass", _later(w.spend("ticks"), seconds)
        if w.left.stalls and w.busy(self.names):
            still = w.spend("stalls")._replace(wall=w.wall + TICKS[0])
            yield f"{TICKS[0]:g} s pass while those at work stand still", still

    def _idle(self, w: World) -> bool:
        """Return whether time alone may pass: who is at work takes moments."""
        begun = any(actor is not None for actor in w.actors)
        return begun and not w.busy(self.names)

    def _may_pass(self, w: World, seconds: float) -> bool:
        """Return whether time may pass: what flies has arrived by then, or never."""
        flies = self.scene.entry is Entry.FLYING and any(
            row.kind is Kind.ENTRY and row.works and not row.shown for row in w.rows
        )
        return not flies or seconds < SHOWN

    @staticmethod
    def _one_cancels(w: World, other: Kind) -> Iterator[Move]:
        for n, row in enumerate(w.rows):
            if row.kind is other and row.works:
                yield f"FYERS cancels a {other}", w.row(n, works=False)
                return

    def _arrives(self, w: World, n: int, row: Row) -> Iterator[Move]:
        yield f"the book shows the {row.kind}", w.row(n, shown=True)
        if self.scene.entry is Entry.FLYING and row.kind is Kind.ENTRY and row.works:
            yield "the entry never arrives", w.row(n, works=False)

    def _trades(self, w: World, n: int, row: Row, room: bool) -> Iterator[Move]:
        if row.kind is Kind.CLOSE:
            yield f"a close of {row.qty} fills 1", crossed(w, n) or _own_closed(w, n)
            if not self.scene.plain:
                yield f"a close of {row.qty} is cancelled", _ended(w, n)
        elif row.kind is Kind.ENTRY:
            yield "the entry fills 1", self._opened(w, n)
            yield "the entry ends", _ended(w, n)
        elif room:
            traded = w.row(n, filled=row.filled + 1)
            yield f"the {row.kind} trades", _others_closed(traded, 1, row.margin)
        if row.kind is Kind.HAND:
            yield "the hand order is cancelled", _ended(w, n)
        if row.kind is Kind.STOP and w.left.lost:
            yield "the stop is lost", _ended(w.spend("lost"), n)

    def _opened(self, w: World, n: int) -> World:
        w = w.row(n, filled=w.rows[n].filled + 1)
        kinds = (Kind.STOP, Kind.TARGET) if self.scene.targets else (Kind.STOP,)
        owner, margin = w.rows[n].owner, w.rows[n].margin
        leg = Row(kinds[0], owner, 1, 0, True, True, order_id(n), sent=w.wall)
        legs = [leg._replace(kind=kind, margin=margin) for kind in kinds]
        lag = w.lag.more(1, opened=True, margin=margin)
        return _stale(w)._replace(rows=(*w.rows, *legs), lag=lag)

    # At rest

    def at_rest(self, w: World) -> str:
        """Return the promise broken once nothing moves any more, empty for none."""
        quiet = not w.busy(self.names) and w.actors[0] is not None
        if not quiet or w.lag != CAUGHT_UP or not all(row.shown for row in w.rows):
            return ""
        if (
            (w.rest(Kind.CLOSE) and not self.scene.rests)
            or w.rest(Kind.ENTRY)
            or (self.scene.hand is Hand.MARKET and w.rest(Kind.HAND))
        ):
            return ""
        w = w._replace(actors=(), left=Left(), last_run=0.0, turn=-1)
        known = self._settled.get(w)
        if known is None:
            known = self._settled[w] = self._settle(w)
        return known

    def _settle(self, w: World) -> str:
        """Run reconcile until all is settled, then send one more close."""
        for _ in range(3):
            ran = self.calm_run(w._replace(wall=w.wall + MINUTE))
            if isinstance(ran, Violation):
                return ran.promise
            w = ran
        if any(doc.claim.outbox for doc in self.outside.all_claims(w)):
            return "every notice is sent"
        open_before, over_before = w.open, w.over
        done = self.alone(w, "C1", self.last)
        if isinstance(done, Violation):
            return done.promise
        w, answer = done
        assert isinstance(answer, Answer)
        if answer.reply.status == 503:
            return "a lane is never stuck"
        if is_ambiguous(answer) and in_two_products(w):
            return ""
        if open_before and (answer.reply.status != 200 or w.open):
            return "an exit closes what is open"
        return (
            "our own close never crosses zero"
            if open_before and w.over > over_before
            else ""
        )

    # Alone

    def calm_run(self, w: World) -> World | Violation:
        """Return the world after one run of reconcile that nothing disturbs."""
        mask = mask_now(w)
        done = self.alone(w, "run", self.run)
        if isinstance(done, Violation):
            return done
        return self._ran(done[0], mask)

    def alone(
        self, w: World, name: str, body: Body
    ) -> tuple[World, object] | Violation:
        """Run a delivery or a run by itself: every call works, what it sends trades."""
        node, first = self.tree.root(("alone", name), body, w.wall), len(w.rows)
        actor = Running(node, 0.0)
        while actor.node.call is not None:
            outcome = next(self.outside.answers(w, name, 0, actor))
            if isinstance(outcome.world, Violation):
                return outcome.world
            w = outcome.world
            node = self.tree.after(
                actor.node, outcome.key, outcome.answer, w.wall, outcome.actor.mono
            )
            actor = outcome.actor._replace(node=node)
            w = _all_trade(w, first)
        if isinstance(actor.node.returned, Broken):
            return Violation(actor.node.returned.text)
        return refreshed(w), actor.node.returned


def alike(node: Node) -> Hashable:
    """Return what the code at a node still depends on, where that is known.

    - At a write that gives a lane and a claim back: on that write alone.
    - At the lane's mark: on the write, and on the claims of ours that were read, for
      what is looked at after the order.
    - At a second look at an accepted close: on what it was at the first.
    - At the guard's last write: on the write alone.
    """
    match node.call:
        case WriteLane(lane=None, claim=claim) as call if claim:
            return "back", _written(call), call.held.version
        case WriteLane(lane=lane) as call if lane and lane.tag:
            return "mark", _written(call), call.held.version, _read_of(node, Ledger)
        case Pause(seconds=seconds) if seconds == LOOKS[1]:
            return "look", _at_first_look(node)
        case WriteState(state=state, version=version):
            return "told", state, version
    return None


def _written(call: WriteLane) -> Hashable:
    return call.claim, call.stored.version if call.stored else None


def _read_of(node: Node | None, kind: type[Call]) -> Hashable:
    """Return the last answer to a read of that kind."""
    while node is not None and node.parent is not None:
        if isinstance(node.parent.call, kind) and node.given is not None:
            answer = node.given[0]
            assert isinstance(answer, tuple)
            return tuple(doc.version for doc in answer)
        node = node.parent
    return None


def _at_first_look(node: Node | None) -> Hashable:
    while node is not None:
        if isinstance(node.call, Pause) and node.call.seconds == LOOKS[0]:
            return id(node)
        node = node.parent
    return None


def _first_rows(s: Scene) -> tuple[Row, ...]:
    if s.carried:
        number = s.carried
        entry = Row(Kind.CARRIED, -1, number, number, False, True, margin=True)
    else:
        waits = int(s.entry not in (Entry.NONE, Entry.SECOND))
        flies = s.entry in (Entry.FLYING, Entry.HIDDEN)
        entry = Row(
            Kind.ENTRY,
            FIRST,
            s.open + waits,
            s.open,
            bool(waits),
            not flies,
            ENTRY_TAG,
            sent=-2.0 if flies else -200.0,
        )
    stop = Row(Kind.STOP, FIRST, 1, 0, True, True, ENTRY_ID, sent=-199.0)
    hand = Row(Kind.HAND, -1, 1, 0, True, True, margin=bool(s.carried))
    return (
        entry,
        *(stop,) * s.stop,
        *(stop._replace(kind=Kind.TARGET),) * s.target,
        *(hand,) * bool(s.hand),
    )


def _all_trade(w: World, first: int) -> World:
    """Return the world in which closes from a row on have traded and all is shown."""
    for n, row in enumerate(w.rows):
        if n >= first and row.kind is Kind.CLOSE and row.works:
            w = w.row(n, filled=row.qty, shown=True)
    return w._replace(lag=CAUGHT_UP)


def _later(w: World, seconds: float) -> World:
    """Return the world after some time, on all clocks."""
    actors = tuple(
        a._replace(mono=a.mono + seconds) if isinstance(a, Running) else a
        for a in w.actors
    )
    w = w._replace(wall=w.wall + seconds, actors=actors)
    if seconds < SHOWN:
        return w
    rows = tuple(row._replace(shown=True) for row in w.rows)
    return w._replace(rows=rows, lag=CAUGHT_UP)


def _ended(w: World, n: int) -> World:
    close = w.rows[n].kind is Kind.CLOSE
    w = w.row(n, works=False)
    # Who read two slices of a close at work cuts what the other would have closed.
    return _stale(w) if close and w.rest(Kind.CLOSE) else w


def _stale(w: World) -> World:
    actors = tuple(
        a._replace(stale=True) if isinstance(a, Running) else a for a in w.actors
    )
    return w._replace(actors=actors)


def _own_closed(w: World, n: int) -> World:
    row = w.rows[n]
    new = w.row(n, filled=row.filled + 1)
    if new.over > w.over:
        new = new.row(n, excused=max(0, row.excused - 1))
    return new._replace(lag=w.lag.more(1, opened=False, margin=row.margin))


def _others_closed(w: World, lots: int, margin: bool = False) -> World:
    """Return the world in which lots that others closed do not show yet."""
    lag = w.lag.more(lots, opened=False, margin=margin)
    new = _excused(w._replace(lag=lag), lots)
    # After a conversion an exit closes nothing: it opens what it was to close.
    return _stale(new) if w.moved else new


def _excused(w: World, lots: int) -> World:
    """Return the world in which what others did excuses whoever read before it."""
    rows = tuple(
        row._replace(excused=min(2, row.excused + lots))
        if row.kind is Kind.CLOSE and row.works
        else row
        for row in w.rows
    )
    actors = tuple(
        a._replace(excused=min(2, a.excused + lots))
        if isinstance(a, Running) and a.excused >= 0
        else a
        for a in w.actors
    )
    return w._replace(rows=rows, actors=actors)
