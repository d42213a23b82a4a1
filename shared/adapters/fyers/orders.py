"""FYERS as the Broker port: the SDK's calls, their cures and their replies.

Two refusals prove that FYERS did not take a call, so even an order is repeated once
after them: a 401 (with a renewed token) and a JSON 429 (after the wait it asks for).
Nothing else about an order is ever repeated here.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from shared.adapters.fyers import fields, outcomes, rows
from shared.adapters.fyers.pace import Pace, PacedTurn
from shared.adapters.fyers.transport import Record, Transport
from shared.broker import NotTaken, Turn, Unreadable
from shared.errors import NotLoggedIn, Problem, StoreError
from shared.models import (
    BookedOrder,
    Deadline,
    Order,
    OrderResult,
    Position,
    Token,
)

LEAST = 0.15
"""Seconds a call needs at least; with less left it is not begun."""

LONGEST_WAIT = 1.0
"""Seconds a 429 may ask for and still be waited out (design: claim)."""

UNSAID_WAIT = 0.5
"""Seconds before a read is repeated where its 429 names none, as data endpoints do."""

FIRST_QUOTE, SECOND_QUOTE = 0.4, 0.6
"""Share of the time left for a quote and for its retry: the order must still go out."""

_Call = Callable[[Any], object]
"""One call of the SDK's `FyersModel`."""


class FyersBroker:
    """The Broker port over the SDK; safe from several threads.

    `token` returns the current token, `renew` a better one than the one FYERS refused;
    both raise `NotLoggedIn` where there is none.
    """

    def __init__(
        self,
        transport: Transport,
        pace: Pace,
        token: Callable[[Deadline], Token],
        renew: Callable[[Token, Deadline], Token],
        pause: Callable[[float], None],
    ) -> None:
        self._transport = transport
        self._pace = pace
        self._token = token
        self._renew = renew
        self._pause = pause

    def turn(self, calls: int, deadline: Deadline) -> PacedTurn:
        """Reserve `calls` places in the pace; raise `NotTaken` if that is too late."""
        return self._pace.reserve(calls, deadline)

    def ltp(self, ticker: str, turn: Turn) -> Decimal | None:
        """Return the last traded price, or None where FYERS answers without one.

        GET /data/quotes, repeated once if it brings no usable answer.
        """
        left = turn.deadline.left()
        try:
            return self._quote(ticker, turn, left * FIRST_QUOTE)
        except _Limited:
            raise  # repeated already
        except Unreadable:
            left = turn.deadline.left()
            return self._quote(ticker, _again(turn), left * SECOND_QUOTE)

    def _quote(self, ticker: str, turn: Turn, seconds: float) -> Decimal | None:
        query = {"symbols": ticker}
        deadline = turn.deadline.within(seconds)
        payload = self._read(lambda fyers: fyers.quotes(query), turn, deadline)
        return rows.price(payload, ticker)

    def positions(self, turn: Turn) -> tuple[Position, ...]:
        """Return every row of the net positions: GET /positions."""
        payload = self._read(lambda fyers: fyers.positions(), turn, turn.deadline)
        return rows.positions(payload)

    def order_book(self, turn: Turn) -> tuple[BookedOrder, ...]:
        """Return every order of the IST day: GET /orders."""
        payload = self._read(lambda fyers: fyers.orderbook(), turn, turn.deadline)
        return rows.order_book(payload)

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Place one order; raise `NotTaken` only where FYERS provably holds nothing.

        POST /orders/sync.
        """
        body = fields.of_order(order)
        record = self._ask(lambda fyers: fyers.place_order(body), turn, turn.deadline)
        return outcomes.of_order(record)

    def cancel(self, order_id: str, turn: Turn) -> bool:
        """Cancel a working order; return whether it is certainly not working now.

        DELETE /orders/sync; -52 says that the order is done already.
        """
        body = {"id": order_id}
        record = self._change(lambda fyers: fyers.cancel_order(body), turn)
        if record is None:
            return False
        said = outcomes.reply(record)
        done = said is not None and said.code == outcomes.NOT_PENDING
        return done or outcomes.confirms(record, outcomes.CANCELLED)

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> bool:
        """Set a working order's quantity; return whether FYERS confirmed it.

        PATCH /orders/sync. Its documentation prints 1101 where real replies say 1102.
        """
        body = fields.of_resize(order, qty)
        record = self._change(lambda fyers: fyers.modify_order(body), turn)
        return record is not None and outcomes.confirms(
            record, outcomes.MODIFIED, outcomes.PLACED
        )

    def open(self) -> None:
        """Open connections without calling any FYERS endpoint; raise `Unreadable`."""
        try:
            self._transport.open()
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Unreadable("FYERS could not be reached") from error

    def _read(self, call: _Call, turn: Turn, deadline: Deadline) -> outcomes.Row:
        try:
            record = self._ask(call, turn, deadline, UNSAID_WAIT)
        except NotTaken as error:
            if error.login:
                raise
            raise Unreadable(error.reason) from error
        if outcomes.limited(record):
            raise _Limited("FYERS's rate limit was not over in time")
        return outcomes.of_read(record)

    def _change(self, call: _Call, turn: Turn) -> Record | None:
        """Return the record of a cancel or resize, None where it was not made."""
        try:
            return self._ask(call, turn, turn.deadline)
        except NotTaken:
            return None

    def _ask(
        self,
        call: _Call,
        turn: Turn,
        deadline: Deadline,
        unsaid_wait: float | None = None,
    ) -> Record:
        """Make a call, once more per curable refusal; raise `NotTaken` before any."""
        token = self._own(self._token, deadline)
        record = self._send(call, token, turn, deadline)
        if outcomes.refused_token(record):
            token = self._own(lambda left: self._renew(token, left), deadline)
            record = self._send(call, token, _again(turn), deadline)
        if outcomes.limited(record):
            wait = outcomes.retry_after(record)
            wait = unsaid_wait if wait is None else wait
            if wait is not None and wait <= LONGEST_WAIT:
                if deadline.left() < wait + LEAST:
                    return record
                self._pause(wait)
                record = self._send(call, token, _again(turn), deadline)
        return record

    def _send(
        self, call: _Call, token: Token, turn: Turn, deadline: Deadline
    ) -> Record:
        if not isinstance(turn, PacedTurn):
            turn = self._pace.reserve(1, turn.deadline)
        turn.wait()
        if deadline.left() < LEAST:
            raise NotTaken("no time was left to call FYERS")
        return self._transport.ask(call, token.access, deadline)

    def _own(self, get: Callable[[Deadline], Token], deadline: Deadline) -> Token:
        try:
            return get(deadline)
        except NotLoggedIn as error:
            raise NotTaken(error.message, login=True) from error
        except (Problem, StoreError) as error:
            raise NotTaken("the FYERS login could not be read") from error


def _again(turn: Turn) -> Turn:
    return turn.again() if isinstance(turn, PacedTurn) else turn


class _Limited(Unreadable):
    """A 429 that waiting did not cure, or that asks for more time than there is."""
