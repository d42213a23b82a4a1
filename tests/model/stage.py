"""Real code as a step machine: it runs until it asks the world, then stands still.

A piece of code is a function of what the world answered it so far. So it is kept as a
tree: a node is the code after certain answers, with the call it makes next, and every
node is run once, however many interleavings lead there. The code itself runs in a
greenlet; a branch that was left is reached again by replaying its answers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from greenlet import (  # type: ignore[import-untyped]  # it ships no types
    getcurrent,
    greenlet,
)

from shared.guard import GuardState
from shared.idempotency import Claim, HeldLane, Lane, Stored
from shared.models import BookedOrder, Deadline, Notice, Order

_KEPT = 4000
"""Standing greenlets kept for their first continuation; the others are replayed."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What the code asks of the world; the code stands still until it is answered."""

    until: float
    """The caller's own monotonic second at which it gives the call up."""


@dataclass(frozen=True, slots=True, eq=False)
class Create(Call):
    key: str
    claim: Claim


@dataclass(frozen=True, slots=True, eq=False)
class Replace(Call):
    stored: Stored
    claim: Claim


@dataclass(frozen=True, slots=True, eq=False)
class Supersede(Call):
    """A replace that keeps the old claim under another key."""

    stored: Stored
    claim: Claim
    kept_key: str


@dataclass(frozen=True, slots=True, eq=False)
class Read(Call):
    key: str


@dataclass(frozen=True, slots=True, eq=False)
class Watched(Call):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Ledger(Call):
    ticker: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ReadLane(Call):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class WriteLane(Call):
    """Both documents by the version read, or neither; None gives the lane back."""

    held: HeldLane
    lane: Lane | None
    stored: Stored | None
    """None: the lane alone."""
    claim: Claim | None


@dataclass(frozen=True, slots=True, eq=False)
class ReadState(Call):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class WriteState(Call):
    state: GuardState
    version: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Place(Call):
    order: Order


@dataclass(frozen=True, slots=True, eq=False)
class Cancel(Call):
    order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Resize(Call):
    order: BookedOrder
    qty: int


@dataclass(frozen=True, slots=True, eq=False)
class AskPositions(Call):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Book(Call):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Quote(Call):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Send(Call):
    notice: Notice


@dataclass(frozen=True, slots=True, eq=False)
class Pause(Call):
    seconds: float


@dataclass(frozen=True, slots=True)
class Raised:
    """An answer that is an exception, made anew for each time it is raised."""

    make: Callable[[], Exception]


class Stage:
    """The code's view of the world: two clocks and one way to ask."""

    def __init__(self, wall: float) -> None:
        self.wall = wall
        self.mono = 0.0

    def deadline(self, seconds: float) -> Deadline:
        """Return a deadline on this code's own monotonic clock."""
        return Deadline(seconds, lambda: self.mono)

    def until(self, deadline: Deadline) -> float:
        """Return the monotonic second at which a deadline ends."""
        return self.mono + deadline.left()

    def ask(self, call: Call) -> Any:
        """Stand still until the world answers."""
        parent = getcurrent().parent
        assert parent is not None
        answer, self.wall, self.mono = parent.switch(call)
        if isinstance(answer, Raised):
            raise answer.make()
        return answer


Body = Callable[[Stage], object]


class Node:
    """The code after certain answers: the call it makes next, or what it returned."""

    __slots__ = ("call", "children", "given", "parent", "returned", "root")

    def __init__(self, root: Root, parent: Node | None, given: Given | None) -> None:
        self.root = root
        self.parent = parent
        self.given = given
        self.call: Call | None = None
        self.returned: object = None
        self.children: dict[Hashable, Node] = {}


Given = tuple[object, float, float]
"""An answer, the wall clock and the caller's monotonic clock when it came."""


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """Where a piece of code starts."""

    body: Body
    wall: float


Alike = Callable[["Node"], Hashable]
"""What the code at a node still depends on, None where all its answers may matter."""


class Tree:
    """Every node of every piece of code, each run once.

    Nodes at which `alike` is equal go on as one: what the code was answered before is
    behind it there.
    """

    def __init__(self, alike: Alike = lambda node: None) -> None:
        self._alike = alike
        self._same: dict[Hashable, Node] = {}
        self._roots: dict[Hashable, Node] = {}
        self._standing: OrderedDict[Node, greenlet] = OrderedDict()
        self.nodes = 0

    def root(self, name: Hashable, body: Body, wall: float) -> Node:
        """Return code that starts at `wall`, standing at its first call."""
        node = self._roots.get((name, wall))
        if node is None:
            node = self._roots[name, wall] = Node(Root(body, wall), None, None)
            running, said = _start(node.root)
            self._stand(node, running, said)
        return node

    def after(
        self, node: Node, key: Hashable, answer: object, wall: float, mono: float
    ) -> Node:
        """Return the code after one more answer; `key` tells answers apart."""
        child = node.children.get((key, wall, mono))
        if child is None:
            child = Node(node.root, node, (answer, wall, mono))
            node.children[key, wall, mono] = child
            running = self._standing.pop(node, None) or _replay(node)
            self._stand(child, running, running.switch((answer, wall, mono)))
            alike = self._alike(child)
            if alike is not None:
                name = (node.root, wall, mono, alike)
                child = node.children[key, wall, mono] = self._same.setdefault(
                    name, child
                )
        return child

    def _stand(self, node: Node, running: greenlet, said: object) -> None:
        self.nodes += 1
        if isinstance(said, Call):
            node.call = said
            self._standing[node] = running
            if len(self._standing) > _KEPT:
                self._standing.popitem(last=False)
        else:
            node.returned = said


def _start(root: Root) -> tuple[greenlet, object]:
    running = greenlet(lambda: root.body(Stage(root.wall)))
    return running, running.switch()


def _replay(node: Node) -> greenlet:
    answers = []
    step: Node | None = node
    while step is not None and step.given is not None:
        answers.append(step.given)
        step = step.parent
    running, said = _start(node.root)
    for answer in reversed(answers):
        said = running.switch(answer)
    assert type(said) is type(node.call), "the code is not a function of its answers"
    return running
