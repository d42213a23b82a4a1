"""The two ways out: alerts to the deployed webhook, reads of FYERS.

Nothing but the standard library: a rehearsal runs wherever deploy.sh runs. Orders only
ever leave by the webhook; FYERS itself is only read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from shared.adapters.fyers import rows
from shared.adapters.fyers.pace import Pace
from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.models import BookedOrder, Deadline, Listing, Position, Secret

WITHIN = 10.0
"""Seconds one call may take, its turn in the pace not counted."""

PATIENCE = 65.0
"""Seconds a read waits for its turn: the pace's minute may be used up."""

ORDERS, POSITIONS, MARKET = "/api/v3/orders", "/api/v3/positions", "/data/marketStatus"


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the token, or the alert, to somebody else."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; status 0 is none at all."""

    status: int
    body: Mapping[str, object] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Return what the reply says, with its status."""
        said = self.body.get("error") or self.body.get("message") or ""
        return f"{self.status or 'no answer'} {rows.words(said)}".strip()


class Webhook:
    """The deployed webhook, called as TradingView calls it."""

    def __init__(self, url: str, token: Secret, pause: Callable[[float], None]) -> None:
        self._url = url
        self._token = token
        self._pause = pause

    def deliver(self, alert: Mapping[str, object], resends: int) -> Answer:
        """Send an alert, and again after what TradingView resends; equal bytes."""
        body = json.dumps({"token": self._token.open(), **alert}).encode()
        answer = self._send(body)
        for _ in range(resends):
            if 0 < answer.status < 500:
                break
            self._pause(5.0)
            answer = self._send(body)
        return answer

    def _send(self, body: bytes) -> Answer:
        head = {"Content-Type": "application/json"}
        try:
            return _call(Request(self._url, body, head))  # noqa: S310  # deploy.sh made it
        except Unreadable:
            return Answer(0)


@dataclass
class Fyers:
    """Reads of FYERS at the pace of what is neither webhook nor reconcile."""

    base: str
    authorization: Secret
    """`app id:access token`, as FYERS's header has it."""
    pace: Pace
    now: Callable[[], float]
    """Seconds on the monotonic clock of the pace."""
    clock: Callable[[], datetime]
    raw: list[dict[str, object]] = field(default_factory=list)
    """Every reply about orders and positions that was another than the one before."""

    def orders(self) -> Listing[BookedOrder]:
        """Return the order book; raise `Unreadable` or `NotTaken`."""
        return rows.order_book(self._get(ORDERS))

    def positions(self) -> Listing[Position]:
        """Return the net positions; raise `Unreadable` or `NotTaken`."""
        return rows.positions(self._get(POSITIONS))

    def market_open(self) -> bool:
        """Return whether the F&O market is open; raise `Unreadable` or `NotTaken`."""
        return rows.market_open(self._get(MARKET))

    def _get(self, path: str) -> rows.Row:
        try:
            self.pace.reserve(1, Deadline(self.now() + PATIENCE, self.now)).wait()
        except NotTaken as error:
            raise Unreadable(error.reason) from error
        head = {"Authorization": self.authorization.open(), "version": "3"}
        request = Request(f"{self.base}{path}", headers=head)  # noqa: S310  # FYERS's own
        answer = _call(request)
        if answer.status == 401:
            raise LoginEnded("FYERS does not accept the login")
        if answer.status != 200 or answer.body.get("s") != "ok":
            raise Unreadable(f"FYERS answered {path} with HTTP {answer.status}")
        self._keep(path, answer.body)
        return answer.body

    def _keep(self, path: str, body: Mapping[str, object]) -> None:
        if path == MARKET:
            return
        last = next((one for one in reversed(self.raw) if one["path"] == path), None)
        if last is None or last["reply"] != body:
            at = self.clock().isoformat(timespec="milliseconds")
            self.raw.append({"at": at, "path": path, "reply": body})


def _call(request: Request) -> Answer:
    """Return the reply, whatever its status; raise `Unreadable` where there is none."""
    try:
        with _OPENER.open(request, timeout=WITHIN) as reply:
            return Answer(reply.status, _json(reply.read()))
    except HTTPError as error:
        with error:
            return Answer(error.code, _json(error.read()))
    except (OSError, HTTPException) as error:
        raise Unreadable(f"no answer ({type(error).__name__})") from None


def _json(text: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
