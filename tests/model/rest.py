"""What must hold once nobody is at work and reconcile has run for a while."""

from __future__ import annotations

from typing import Any, Protocol

from shared.guard import GuardState
from shared.idempotency import Claim, Claimed, Done, Sending, Unknown
from shared.models import Action, Listing, Position
from tests.model.cast import CONTRACT, TERMS, Broken, Machine
from tests.model.outside import Outside
from tests.model.stage import (
    AskPositions,
    Book,
    Call,
    Create,
    Ledger,
    Read,
    ReadState,
    Replace,
    Send,
    Supersede,
    Tree,
    Watched,
    WriteState,
)
from tests.model.world import Booked, Fate, Left, Violation, World, Write, book

RUNS = (31.0, 31.0, 61.0, 61.0)
"""Seconds before each run: together all that reconcile waits for, twice."""

_DAY = 86400.0
_EXCEPTION = "no exception leaves the code"


class Resting(Protocol):
    """The game whose rest this is."""

    tree: Tree
    outside: Outside
    alerts: dict[str, int]


class Rest:
    """Runs reconcile until nothing changes, then checks the promises."""

    def __init__(self, machine: Machine, game: Resting) -> None:
        self._game = game
        self._body = machine.run(guarded=True)
        self._known: dict[World, str] = {}
        self._told: tuple[GuardState | None, str | None] = (None, None)

    def broken(self, w: World) -> str:
        """Return the promise broken at rest, empty for none.

        Writes still under way are dropped, and no resend comes: both may happen.
        """
        idle = (None,) * len(w.actors)
        w = w._replace(under_way=frozenset(), actors=idle, left=Left())
        known = self._known.get(w)
        if known is None:
            known = self._known[w] = self._settled(w)
        return known

    def _settled(self, w: World) -> str:
        self._told = (None, None)
        try:
            for seconds in RUNS:
                w = self._run(w, seconds)
            for n, booked in enumerate(w.orders):
                if booked.fate is Fate.HIDDEN:
                    w = w.show(n)
            for seconds in RUNS:
                w = self._run(w, seconds)
            if any(booked.fate is Fate.UNTAGGED for booked in w.orders):
                w = self._run(w, _DAY)
        except _BrokenError as error:
            return str(error)
        return judge(w, self._game.alerts)

    def _run(self, w: World, seconds: float) -> World:
        """Run reconcile once; everything it asks works."""
        w = w._replace(wall=w.wall + seconds)
        node = self._game.tree.root("rest", self._body, w.wall)
        while node.call is not None:
            w, key, answer = self._answer(w, node.call)
            node = self._game.tree.after(node, key, answer, w.wall, 0.0)
        if isinstance(node.returned, Broken):
            raise _BrokenError(f"{_EXCEPTION}: {node.returned.text}")
        return w

    def _answer(self, w: World, call: Call) -> tuple[World, object, object]:
        match call:
            case Create() | Replace() | Supersede():
                return self._written(w, call)
            case WriteState(state=state):
                version = f"{w.wall}:{len(state.outbox)}"
                self._told = (state, version)
                return w, version, version
            case Send(notice=notice):
                return self._game.outside.tell(w, notice), None, ()
        found = self._found(w, call)
        return w, found, Listing(found) if isinstance(call, _LISTED) else found

    def _found(self, w: World, call: Call) -> Any:
        match call:
            case Watched():
                return w.watched()
            case Ledger():
                docs = (w.doc, *w.kept)
                return tuple(doc for doc in docs if doc and doc.claim.ledger)
            case Read():
                return w.find(call.key)
            case Book():
                return book(w)
            case AskPositions():
                return _positions(w)
            case ReadState():
                return self._told
        raise _BrokenError(f"reconcile never asks {type(call).__name__}")

    def _written(self, w: World, call: Write) -> tuple[World, object, object]:
        done = self._game.outside.written(w, call)
        if done is None:
            raise _BrokenError("a run alone meets no other version")
        stored = self._game.outside.store(w, call, done)
        if isinstance(stored, Violation):
            raise _BrokenError(stored.promise)
        return stored, done, done


_LISTED = (Book, AskPositions)


def _positions(w: World) -> tuple[Position, ...]:
    sold = sum(row.filled for row in book(w) if row.action is Action.SELL)
    product = str(TERMS.default_product)
    return (Position(CONTRACT.ticker, product, -sold, day_sold=sold),)


class _BrokenError(Exception):
    """A promise broken while reconcile ran at rest."""


def judge(w: World, alerts: dict[str, int]) -> str:
    """Return the promise a settled world breaks, empty for none."""
    for alert, heard in enumerate(w.heard):
        taken = any(booked.alert == alert for booked in w.orders)
        alive = any(
            booked.alert == alert and booked.fate is not Fate.REFUSED
            for booked in w.orders
        )
        if alive and heard.denied and not heard.corrected:
            return "whoever was told of no order hears of one that exists"
        if heard.claimed and not taken and not heard.told:
            return "no alert is lost silently"
        if taken and not alive and not heard.told:
            return "an order refused later is told"
    if w.doc is None:
        return "an order has a claim" if w.orders else ""
    docs = (w.doc, *w.kept)
    return next(filter(None, (_judge(w, doc.claim, alerts) for doc in docs)), "")


def _judge(w: World, claim: Claim, alerts: dict[str, int]) -> str:
    mine = alerts.get(claim.request_id, 0)
    order = next((booked for booked in w.orders if booked.alert == mine), None)
    untagged = any(booked.fate is Fate.UNTAGGED for booked in w.orders)
    if untagged and isinstance(claim.at, Unknown):
        return "" if claim.at.closed else "an UNKNOWN ends with its day"
    return _claim(claim, order)


def _claim(claim: Claim, order: Booked | None) -> str:
    status = claim.at.reply.status if isinstance(claim.at, Done) else 0
    if claim.outbox:
        return "every notice is sent"
    if order is None:
        if status == 200:
            return "200 means that there is an order"
    elif status not in ((200, 424) if order.fate is Fate.REFUSED else (200,)):
        return "an order ends as DONE with its reply"
    if isinstance(claim.at, Claimed | Sending | Unknown):
        return f"nothing is left {claim.state}"
    return ""
