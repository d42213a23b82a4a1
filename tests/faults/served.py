"""What a served process does besides: it passes named points and can be struck there.

Installed into the shipped functions before gunicorn forks, by replacing what `wiring`
builds: the shipped code has no hook of its own. Every store, FYERS and the notifier
stay the real ones behind their wrappers.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from local import hours
from shared import logs
from shared.adapters import documents, store
from shared.broker import Broker, Turn
from shared.errors import Doubtful
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    HeldLane,
    Lane,
    S,
    Sending,
    Stored,
    StoredAt,
)
from shared.models import (
    BookedOrder,
    Change,
    Deadline,
    Kept,
    Notice,
    Order,
    OrderResult,
)
from shared.notifications import Notifier
from shared.wiring import parts, process, reconcile, warming, webhook

DIRECTOR = "FAULTS_DIRECTOR"
SERVER = "FAULTS_SERVER"
HURRY = 20
"""The guard's pause between its two reads is shorter by this factor."""

_T = TypeVar("_T")


def install() -> None:
    """Replace the factories; once per process, before the functions are loaded."""
    if hasattr(parts, "_struck"):
        return
    vars(parts)["_struck"] = True
    # Loaded before the fork, so that an instance that died is replaced quickly.
    import shared.adapters.apprise
    import shared.adapters.fyers.orders
    import shared.reconciliation

    if os.environ["STATE_BACKEND"] == "gcp":
        import shared.adapters.firestore
        import shared.adapters.gcs
    else:
        import shared.adapters.sqlite  # noqa: F401

    vars(store)["_Decoded"] = _DecodedAnew
    hours.shift()
    vars(reconcile)["pause"] = lambda seconds: time.sleep(seconds / HURRY)
    _replace(parts, "claim_store", Store)
    _replace(parts, "token_store", functools.partial(Reads, "token"))
    _replace(parts, "symbol_store", functools.partial(Reads, "symbols"))
    _replace(parts, "broker", Fyers)
    kept = parts.kept
    vars(parts)["kept"] = lambda settings, collection, key, kind: Document(
        collection, kept(settings, collection, key, kind)
    )
    _replace(parts, "notifier", Phone)
    for name, point in (("deliver", "delivery"), ("warm", "warm")):
        _replace_call(name, point)


def _replace(module: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    make = getattr(module, name)
    setattr(module, name, lambda *given: wrap(make(*given)))


def _replace_call(name: str, point: str) -> None:
    call = getattr(webhook, name)

    def struck(*args: Any) -> Any:
        if ask(point, "before").do == "cold":
            process.forget()
            warming._last = None
        answer = call(*args)
        ask(point, "after")
        return answer

    setattr(webhook, name, struck)


class _DecodedAnew(store._Decoded):
    """Keeps no claim: the stage lets documents grow older under their versions."""

    def stored(self, found: documents.Document) -> Stored:
        self._claims = {}
        return super().stored(found)


class Told:
    """What the director says; dying happens on the spot."""

    def __init__(self, do: str, seconds: float) -> None:
        self.do = do
        self.seconds = seconds


def ask(point: str, when: str, tag: str = "") -> Told:
    """Pass a point; return what to do there, unless it is to die."""
    host, port = os.environ[DIRECTOR].split(":")
    at = {
        "point": point,
        "when": when,
        "server": int(os.environ[SERVER]),
        "request_id": logs.request_id(),
        "tag": tag,
    }
    with socket.create_connection((host, int(port)), 30) as peer:
        peer.sendall(json.dumps(at).encode() + b"\n")
        with peer.makefile("rb") as said:
            told = Told(**json.loads(said.read()))
    if told.do == "kill" and told.seconds:
        threading.Timer(told.seconds, _die).start()
    elif told.do == "kill":
        _die()
    return told


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(5)


def step(
    point: str,
    work: Callable[[Deadline], _T],
    deadline: Deadline,
    failure: Callable[[str], Exception] = Doubtful,
) -> _T:
    """Do one step of a store, or fail in one of the ways stores fail."""
    told = ask(point, "before")
    match told.do:
        case "unavailable":
            raise failure(f"{point}: struck before it was applied")
        case "hangs":
            time.sleep(deadline.left())
            raise failure(f"{point}: no answer, not applied")
        case "slow":
            time.sleep(told.seconds)
        case "late":
            patient = Deadline(time.perf_counter() + 30, time.perf_counter)
            threading.Timer(told.seconds, _quietly, (work, patient)).start()
            raise failure(f"{point}: struck, applied later")
    result = work(deadline)
    told = ask(point, "after")
    if told.do == "stuck":
        time.sleep(deadline.left())
    if told.do in ("lost", "stuck"):
        raise failure(f"{point}: applied, its answer lost")
    return result


def _quietly(work: Callable[[Deadline], object], deadline: Deadline) -> None:
    try:
        work(deadline)
    except Exception as error:
        print(f"a late write lost its version: {type(error).__name__}", flush=True)


class Store:
    """A ClaimStore and LaneStore whose every call is a step.

    What writes the claim and its lane in one commit is named by what it makes of the
    claim; only taking a lane and giving it back have names of their own.
    """

    def __init__(self, inner: store.Store) -> None:
        self._inner = inner

    def create(self, key: str, claim: ClaimAt[S], deadline: Deadline) -> StoredAt[S]:
        return step("create", lambda d: self._inner.create(key, claim, d), deadline)

    def read(self, key: str, deadline: Deadline) -> Stored | None:
        return step("read", lambda d: self._inner.read(key, d), deadline)

    def replace(
        self, stored: Stored, claim: ClaimAt[S], deadline: Deadline
    ) -> StoredAt[S]:
        return step(
            _arrow(stored.claim, claim),
            lambda d: self._inner.replace(stored, claim, d),
            deadline,
        )

    def watched(self, limit: int, deadline: Deadline) -> tuple[Stored, ...]:
        return step("watched", lambda d: self._inner.watched(limit, d), deadline)

    def ledger(self, ticker: str | None, deadline: Deadline) -> tuple[Stored, ...]:
        return step("ledger", lambda d: self._inner.ledger(ticker, d), deadline)

    def once(self, what: str, expires_at: datetime, deadline: Deadline) -> bool:
        return step("once", lambda d: self._inner.once(what, expires_at, d), deadline)

    def lane(self, ticker: str, deadline: Deadline) -> HeldLane:
        return step("look", lambda d: self._inner.lane(ticker, d), deadline)

    def take(
        self, found: HeldLane, lane: Lane, stored: StoredAt[Claimed], deadline: Deadline
    ) -> tuple[HeldLane, StoredAt[Claimed]]:
        return step(
            "lane", lambda d: self._inner.take(found, lane, stored, d), deadline
        )

    def mark(
        self,
        stored: Stored,
        claim: ClaimAt[Sending],
        held: HeldLane,
        lane: Lane,
        deadline: Deadline,
    ) -> tuple[StoredAt[Sending], HeldLane]:
        return step(
            claim.state.lower(),
            lambda d: self._inner.mark(stored, claim, held, lane, d),
            deadline,
        )

    def settle(
        self, stored: Stored, claim: ClaimAt[S], held: HeldLane, deadline: Deadline
    ) -> StoredAt[S]:
        return step(
            claim.state.lower(),
            lambda d: self._inner.settle(stored, claim, held, d),
            deadline,
        )

    def give_back(self, held: HeldLane, deadline: Deadline) -> None:
        step("back", lambda d: self._inner.give_back(held, d), deadline)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _arrow(old: Claim, new: Claim) -> str:
    """Return the name of a write: the state it leads to, `take`, `mark`, `strike`."""
    if new.attempt != old.attempt:
        return "take"
    if old.ledger and not new.ledger and new.state == old.state:
        return "strike"
    return "mark" if new.state == old.state else new.state.lower()


class Document:
    """A document of its own whose writes are a step of its collection's name."""

    def __init__(self, point: str, inner: Kept[Any]) -> None:
        self._point = point
        self._inner = inner

    def read(self, deadline: Deadline) -> Any:
        return self._inner.read(deadline)

    def write(self, value: Any, version: str | None, deadline: Deadline) -> str:
        return step(
            self._point, lambda d: self._inner.write(value, version, d), deadline
        )


class Reads:
    """A token or symbol store whose reads are a step."""

    def __init__(self, point: str, inner: Any) -> None:
        self._point = point
        self._inner = inner

    def read(self, deadline: Deadline) -> Any:
        return step(self._point, self._inner.read, deadline)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Fyers:
    """A Broker that names its calls; what fails there the simulator decides."""

    def __init__(self, inner: Broker) -> None:
        self._inner = inner

    def quote(self, ticker: str, turn: Turn) -> Any:
        return _named("quote", lambda: self._inner.quote(ticker, turn))

    def positions(self, turn: Turn) -> Any:
        return _named("positions", lambda: self._inner.positions(turn))

    def order_book(self, turn: Turn) -> Any:
        return _named("book", lambda: self._inner.order_book(turn))

    def place(self, order: Order, turn: Turn) -> OrderResult:
        return _named("place", lambda: self._inner.place(order, turn), order.tag)

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        return _named("cancel", lambda: self._inner.cancel(order_ids, turn))

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        return _named("resize", lambda: self._inner.resize(order, qty, turn))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Phone:
    """A Notifier that names its sending."""

    def __init__(self, inner: Notifier) -> None:
        self._inner = inner

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        return _named("notify", lambda: self._inner.send(notice, deadline, only))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _named(point: str, work: Callable[[], _T], tag: str = "") -> _T:
    ask(point, "before", tag)
    result = work()
    ask(point, "after", tag)
    return result
