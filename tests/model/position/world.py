"""One state of one contract, of what our code knows of it and of who is at work.

Quantities are in lots. Documents are numbers: what they hold is in the registry of the
game, so that a state is small and quickly compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from shared.models import Action
from tests.model.cast import CONTRACT
from tests.model.stage import Node

LOT = CONTRACT.lot

MOST_OVER = 2
"""Lots that may be open with the wrong sign; more than that shows nothing new."""


class Kind(StrEnum):
    """Where an order comes from."""

    CARRIED = "carried lot"
    """Of an earlier day: open, and in no order book."""
    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    HAND = "hand order"
    SQUARE_OFF = "square-off"
    CLOSE = "close"
    UNDO = "close of what has the wrong sign"
    """An EXIT that finds the other side open; it trades at once here."""


OPENING = (Kind.CARRIED, Kind.ENTRY, Kind.UNDO)
"""Orders that trade on the entry's side."""


class Hand(StrEnum):
    """What the owner placed by hand, for one lot and on the closing side."""

    NONE = ""
    STOP = "stop"
    LIMIT = "limit"
    """Far from the price."""
    MARKET = "market"


class Entry(StrEnum):
    """Where the second lot of the entry is."""

    NONE = ""
    FLYING = "flying"
    """Its claim is UNKNOWN; the order may arrive or not."""
    HIDDEN = "accepted, not yet in the book"
    WORKING = "working"
    SECOND = "another entry, accepted, not yet in the book"
    """It has a claim of its own and may trade before the book shows it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a world is made of and how much may go wrong in it."""

    deliveries: str = ""
    """The alert of each delivery in the order they come, e.g. `AAB`."""
    open: int = 0
    """Lots open short, or long; in INTRADAY."""
    long: bool = False
    """Whether a LONG opened it: all is mirrored, and EXIT closes it."""
    carried: int = 0
    """Lots carried overnight, in MARGIN; the entry's exits have ended with its day."""
    verb: str = ""
    """Of the alerts, where it is not the usual: `SELL` for a long."""
    stop: int = 0
    """Lots the entry's stops work for; one order for each lot, as it filled."""
    target: int = 0
    targets: bool = False
    """Whether fills of the entry bring a target besides the stop."""
    entry: Entry = Entry.NONE
    hand: Hand = Hand.NONE
    runs: int = 0
    """Of reconcile with its guard, a minute apart."""
    before: int = 0
    """Runs that went by before the scene begins."""
    crashes: int = 0
    doubts: int = 0
    """Store calls without a usable answer."""
    ticks: int = 0
    stalls: int = 0
    """Ticks that those at work do not notice."""
    fails: int = 0
    """Cancels and resizes that come to nothing."""
    square_offs: int = 0
    lost: int = 0
    """Stops that vanish."""
    overlap: bool = False
    """Whether a delivery of an alert may come while the one before is at work."""
    looks: int = 1
    """How often there is time to look at an accepted close; 1 or 2."""
    switches: int | None = None
    """How often who is at work may be left standing for another; None: any time."""
    plain: bool = False
    """Whether FYERS shows at once what it accepts, and refuses and ends nothing."""
    positions_first: bool = False
    """Positions are read before the order book."""
    unsettled: bool = False
    """Whether places may lose their reply."""
    rests: bool = False
    """Whether a close may rest for good: the next one cancels it."""
    converts: int = 0
    """How often the owner may turn what is open in INTRADAY into MARGIN."""
    sliced: bool = False
    """Whether a lot here is ten of the contract's, so that FYERS slices two of them."""

    @property
    def unit(self) -> int:
        """Return the contracts that count as one lot here."""
        return LOT * (10 if self.sliced else 1)

    @property
    def opens(self) -> Action:
        """Return the side of the entry."""
        return Action.BUY if self.long else Action.SELL

    @property
    def closes(self) -> Action:
        """Return the side of closes and exits."""
        return Action.SELL if self.long else Action.BUY

    @property
    def closing_verb(self) -> str:
        """Return the verb that always closes what is open."""
        return "EXIT" if self.long else "BUY"


class Row(NamedTuple):
    """An order at FYERS."""

    kind: Kind
    owner: int
    """Slot of the claim it belongs to, -1 for none."""
    qty: int
    filled: int
    works: bool
    shown: bool
    """Whether the order book has it yet."""
    tag: str = ""
    """Of an exit: its entry's order id."""
    excused: int = 0
    """Lots that others closed since the read this close was decided by."""
    sent: float = 0.0
    margin: bool = False
    """Whether its product is MARGIN."""

    @property
    def rest(self) -> int:
        """Return the lots that may still trade."""
        return self.qty - self.filled if self.works else 0


class Running(NamedTuple):
    """A delivery or a run at work."""

    node: Node
    mono: float
    excused: int = -1
    """Lots others closed since it read the book; -1 before that."""
    stale: bool = False
    """Whether since it read the book a lot was opened or converted, or one of two
    closes ended."""
    mask: int = 0
    """Of a run: what was wrong when it began and is still."""
    sent: bool = False
    guards: bool = False
    """Whether it is a run."""


class Ended(NamedTuple):
    """A delivery or run that is over."""


class Left(NamedTuple):
    """What may still happen or go wrong."""

    crashes: int = 0
    doubts: int = 0
    ticks: int = 0
    stalls: int = 0
    fails: int = 0
    square_offs: int = 0
    lost: int = 0
    switches: int = 0
    converts: int = 0


class Lag(NamedTuple):
    """Lots traded that positions do not show yet."""

    closed: int = 0
    opened: int = 0
    closed_margin: int = 0
    opened_margin: int = 0

    def more(self, lots: int, *, opened: bool, margin: bool) -> Lag:
        """Return the lag after lots of a product were opened or closed."""
        name = ("opened" if opened else "closed") + ("_margin" if margin else "")
        return self._replace(**{name: getattr(self, name) + lots})


CAUGHT_UP = Lag()


class World(NamedTuple):
    """One state of everything."""

    claims: tuple[int, ...]
    """Documents by slot: the entry's, then those of alerts A, B and C; -1 for none."""
    lane: int
    told: int
    """The guard's state."""
    rows: tuple[Row, ...]
    lag: Lag
    wall: float
    last_run: float
    actors: tuple[Running | Ended | None, ...]
    left: Left
    seen: tuple[int, ...]
    """Guard runs that each wrong has lasted for."""
    hand_stops: int
    """Lots a stop of the owner's works for."""
    turn: int = -1
    """Who moved last, where that counts."""
    moved: int = 0
    """Lots converted from INTRADAY to MARGIN."""

    def put(self, i: int, actor: Running | Ended) -> World:
        """Return the world with one actor moved."""
        return self._replace(actors=(*self.actors[:i], actor, *self.actors[i + 1 :]))

    def row(self, n: int, **changes: object) -> World:
        """Return the world with one order changed; one that ended is quiet."""
        row = self.rows[n]._replace(**changes)  # type: ignore[arg-type]
        if row.qty <= row.filled:
            row = row._replace(works=False)
        if not row.works:
            row = row._replace(excused=0)
        return self._replace(rows=(*self.rows[:n], row, *self.rows[n + 1 :]))

    def spend(self, what: str) -> World:
        """Return the world in which one thing less may happen."""
        less = getattr(self.left, what) - 1
        return self._replace(left=self.left._replace(**{what: less}))

    @property
    def sums(self) -> Sums:
        """Return what the orders come to."""
        return sums_of(self.rows, self.moved)

    @property
    def by_hand(self) -> int:
        """Return the lots that the owner's own order closed."""
        return sum(row.filled for row in self.rows if row.kind is Kind.HAND)

    @property
    def open(self) -> int:
        """Return the lots open that an entry opened."""
        return self.sums.open

    @property
    def over(self) -> int:
        """Return the lots open with the other sign."""
        return self.sums.over

    def rest(self, kind: Kind) -> int:
        """Return the lots that orders of a kind may still trade."""
        return self.sums.rest.get(kind, 0)

    def busy(self, names: tuple[str, ...], what: str = "") -> bool:
        """Return whether anybody, or anybody of that name, is at work."""
        return any(
            isinstance(actor, Running) and names[i].startswith(what)
            for i, actor in enumerate(self.actors)
        )


class Sums(NamedTuple):
    """What the orders at FYERS come to, in lots."""

    opened: int
    closed: int
    open: int
    """Over both products; a conversion may leave both signs."""
    over: int
    intraday: int
    """What is open as INTRADAY, below zero with the wrong sign."""
    margin: int
    rest: dict[Kind, int]
    """What may still trade."""
    shown_closes: int
    """Of that, our closes in the order book."""


@cache
def sums_of(rows: tuple[Row, ...], moved: int) -> Sums:
    """Return what orders come to; asked often, so each is counted once."""
    nets = {False: -moved, True: moved}
    rest: dict[Kind, int] = {}
    opened = closed = 0
    for row in rows:
        if row.kind in OPENING:
            opened += row.filled
            nets[row.margin] += row.filled
        else:
            closed += row.filled
            nets[row.margin] -= row.filled
        rest[row.kind] = rest.get(row.kind, 0) + row.rest
    shown = sum(row.rest for row in rows if row.kind is Kind.CLOSE and row.shown)
    return Sums(
        opened,
        closed,
        sum(max(0, net) for net in nets.values()),
        sum(max(0, -net) for net in nets.values()),
        nets[False],
        nets[True],
        rest,
        shown,
    )


class Violation(NamedTuple):
    """A promise that was broken."""

    promise: str
