"""FYERS as the Broker port: the SDK's calls, their cures and their replies.

Two refusals prove that FYERS did not take a call, so even an order is repeated once
after them: a 401 (with a renewed token) and a JSON 429 (after the wait it asks for).
Nothing else about an order is ever repeated here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from urllib3.exceptions import HTTPError

from shared.adapters.fyers import chain, fields, outcomes, rows
from shared.adapters.fyers.pace import Pace, PacedTurn
from shared.adapters.fyers.transport import Record, Transport
from shared.broker import LoginEnded, NotTaken, Turn, Unreadable
from shared.errors import NotLoggedIn, Problem, StoreError
from shared.models import (
    BookedOrder,
    Change,
    Deadline,
    Listing,
    OptionChain,
    Order,
    OrderResult,
    Position,
    Quote,
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

MULTI_MOST = 10
"""Orders that one multi-order call may name."""

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

    def quote(self, ticker: str, turn: Turn) -> Quote | None:
        """Return the quote, or None where FYERS answers without a price.

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

    def _quote(self, ticker: str, turn: Turn, seconds: float) -> Quote | None:
        query = {"symbols": ticker}
        deadline = turn.deadline.within(seconds)
        payload = self._read(lambda fyers: fyers.quotes(query), turn, deadline)
        return chain.quote(payload, ticker)

    def positions(self, turn: Turn) -> Listing[Position]:
        """Return every row of the net positions: GET /positions."""
        payload = self._read(lambda fyers: fyers.positions(), turn, turn.deadline)
        return rows.positions(payload)

    def order_book(self, turn: Turn) -> Listing[BookedOrder]:
        """Return every order of the IST day: GET /orders."""
        payload = self._read(lambda fyers: fyers.orderbook(), turn, turn.deadline)
        return rows.order_book(payload)

    def chain(
        self, underlying: str, strikes: int, timestamp: str, turn: Turn
    ) -> OptionChain:
        """Return the contracts round the money: GET /data/options-chain-v3.

        `underlying` is FYERS's ticker of it, `timestamp` its own epoch of the expiry
        (empty: the nearest). Repeated once if it brings no usable answer.
        """
        query = {
            "symbol": underlying,
            "strikecount": strikes,
            "timestamp": timestamp,
        }
        left = turn.deadline.left()
        try:
            deadline = turn.deadline.within(left * FIRST_QUOTE)
            found = self._read(lambda fyers: fyers.optionchain(query), turn, deadline)
        except _Limited:
            raise  # repeated already
        except Unreadable:
            deadline = turn.deadline.within(turn.deadline.left() * SECOND_QUOTE)
            again = _again(turn)
            found = self._read(lambda fyers: fyers.optionchain(query), again, deadline)
        return chain.option_chain(found)

    def market_open(self, turn: Turn) -> bool:
        """Return whether the F&O market is open now: GET /data/marketStatus."""
        payload = self._read(lambda fyers: fyers.market_status(), turn, turn.deadline)
        return rows.market_open(payload)

    def place(self, order: Order, turn: Turn) -> OrderResult:
        """Place one order; raise `NotTaken` only where FYERS provably holds nothing.

        POST /orders/sync.
        """
        body = fields.of_order(order)
        record = self._ask(lambda fyers: fyers.place_order(body), turn, turn.deadline)
        return outcomes.of_order(record)

    def cancel(self, order_ids: Sequence[str], turn: Turn) -> tuple[Change, ...]:
        """Cancel working orders; return how each ended, in the order given.

        DELETE /orders/sync, for several DELETE /multi-order/sync (at most ten a call).
        """
        found: list[Change] = []
        for start in range(0, len(order_ids), MULTI_MOST):
            found += self._cancel(order_ids[start : start + MULTI_MOST], turn)
        return tuple(found)

    def _cancel(self, order_ids: Sequence[str], turn: Turn) -> Sequence[Change]:
        unclear = (Change.UNCLEAR,) * len(order_ids)
        try:
            if len(order_ids) == 1:
                body = {"id": order_ids[0]}
                record = self._ask(
                    lambda fyers: fyers.cancel_order(body), turn, turn.deadline
                )
                return (outcomes.change(record, outcomes.CANCELLED),)
            bodies = [{"id": order_id} for order_id in order_ids]
            record = self._ask(
                lambda fyers: fyers.cancel_basket_orders(bodies), turn, turn.deadline
            )
        except NotTaken:
            return unclear
        said = outcomes.envelope(record)
        parts = outcomes.items(said) if said else ()
        if len(parts) != len(order_ids):
            return unclear
        return [
            Change.CONFIRMED
            if part.code == outcomes.CANCELLED
            else Change.NOT_PENDING
            if part.code == outcomes.NOT_PENDING
            else Change.UNCLEAR
            for part in parts
        ]

    def resize(self, order: BookedOrder, qty: int, turn: Turn) -> Change:
        """Set a working order's quantity; return how that ended.

        PATCH /orders/sync. Its documentation prints 1101 where real replies say 1102.
        """
        body = fields.of_resize(order, qty)
        try:
            record = self._ask(
                lambda fyers: fyers.modify_order(body), turn, turn.deadline
            )
        except NotTaken:
            return Change.UNCLEAR
        return outcomes.change(record, outcomes.MODIFIED, outcomes.PLACED)

    def open(self) -> None:
        """Open connections without calling any FYERS endpoint; raise `Unreadable`."""
        try:
            self._transport.open()
        except (HTTPError, OSError) as error:
            raise Unreadable("FYERS could not be reached") from error

    def _read(self, call: _Call, turn: Turn, deadline: Deadline) -> rows.Row:
        try:
            record = self._ask(call, turn, deadline, UNSAID_WAIT)
        except LoginEnded:
            raise
        except NotTaken as error:
            raise Unreadable(error.reason) from error
        if outcomes.limited(record):
            raise _Limited("FYERS's rate limit was not over in time")
        return outcomes.of_read(record)

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
            raise LoginEnded(error.message) from error
        except (Problem, StoreError) as error:
            raise NotTaken("the FYERS login could not be read") from error


def _again(turn: Turn) -> Turn:
    return turn.again() if isinstance(turn, PacedTurn) else turn


class _Limited(Unreadable):
    """A 429 that waiting did not cure, or that asks for more time than there is."""
