"""What a recorded exchange means: the table that decides about money.

    the record                                     an order         a read
    connection never opened                        NotTaken         Unreadable
    JSON 401                                       NotTaken(login)  NotTaken(login)
    JSON 429                                       NotTaken         Unreadable
    200, ok, 1101 and an id, or ids in `data`      Placed           –
    JSON 400 with -50, JSON 403, -99 with `RED:`   Rejected         Unreadable
    200, ok                                        Unclear          the payload
    anything else                                  Unclear          Unreadable

JSON means an object in FYERS's envelope (`s` and a whole `code`) with a 2xx or 4xx.
Nothing is decided by a text except `RED:`: it alone tells a refusal by FYERS's risk
check (-99, HTTP 200) from a call that went wrong (-99 as well).
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from shared.adapters.fyers.rows import Row, words
from shared.adapters.fyers.transport import Answered, Failed, Record
from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.models import Change, OrderResult, Placed, Rejected, Unclear

INVALID = -50
NOT_PENDING = -52
RISK = -99
PLACED = 1101
MODIFIED = 1102
CANCELLED = 1103


class Envelope(NamedTuple):
    """FYERS's envelope: `s`, `code`, `message` and the rest."""

    status: int
    ok: bool
    code: int
    message: str
    payload: Row


def envelope(record: Record) -> Envelope | None:
    """Return FYERS's own reply, or None for anything else.

    A redirect and any 5xx are something else even as JSON: 500 with -99 is no refusal.
    """
    if isinstance(record, Failed) or record.status // 100 not in (2, 4):
        return None
    payload = record.json
    if not isinstance(payload, dict):
        return None
    code = payload.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    said = payload.get("s")
    if said is None and code == PLACED and isinstance(payload.get("data"), list):
        said = "ok"  # FYERS documents the reply to a sliced order without `s`
    if said not in ("ok", "error"):
        return None
    return Envelope(
        record.status,
        said == "ok",
        code,
        words(payload.get("message")),
        payload,
    )


def of_order(record: Record) -> OrderResult:
    """Return what became of an order; raise `NotTaken` only where that is proven."""
    if isinstance(record, Failed):
        if never_opened(record.error):
            raise NotTaken("FYERS could not be reached")
        return Unclear(f"no whole answer from FYERS ({type(record.error).__name__})")
    said = envelope(record)
    if said is None:
        return Unclear(f"FYERS answered HTTP {record.status} without a readable reply")
    if said.ok:
        return _accepted(said)
    if said.status == 401:
        raise LoginEnded(f"FYERS did not accept the login: {said.message}")
    if said.status == 429:
        raise NotTaken(f"FYERS's rate limit: {said.message}")
    risk = said.code == RISK and said.message.startswith("RED:")
    if risk or said.status == 403 or (said.status, said.code) == (400, INVALID):
        return Rejected(said.code, said.message, _id(said.payload))
    reason = f"FYERS answered {said.code} with HTTP {said.status}"
    return Unclear(reason, _id(said.payload) or "")


def _accepted(said: Envelope) -> OrderResult:
    order_id = _id(said.payload)
    if said.status == 200 and said.code == PLACED:
        if order_id:
            return Placed(order_id, said.message)
        slices = items(said)
        taken = tuple(i.order_id for i in slices if i.code == PLACED and i.order_id)
        if taken:
            refused = tuple(i.message for i in slices if i.order_id not in taken)
            return Placed(taken[0], said.message, taken, refused)
    reason = f"FYERS answered {said.code} without confirming the order"
    return Unclear(reason, order_id or "")


class Item(NamedTuple):
    """What FYERS says of one order of a multi-order or sliced call."""

    order_id: str
    code: int
    message: str


def items(said: Envelope) -> tuple[Item, ...]:
    """Return the parts of a reply's `data`, in FYERS's order; empty if it has none."""
    data = said.payload.get("data")
    if not isinstance(data, list):
        return ()
    bodies = [row.get("body") for row in data if isinstance(row, dict)]
    return tuple(
        Item(_id(body) or "", _whole(body.get("code")), words(body.get("message")))
        for body in bodies
        if isinstance(body, dict)
    )


def change(record: Record, *codes: int) -> Change:
    """Return how a cancel or resize ended; `codes` are those that confirm it."""
    said = envelope(record)
    if said is None:
        return Change.UNCLEAR
    if said.code == NOT_PENDING:
        return Change.NOT_PENDING
    confirmed = said.ok and said.status == 200 and said.code in codes
    return Change.CONFIRMED if confirmed else Change.UNCLEAR


def of_read(record: Record) -> Row:
    """Return a read's payload; raise `Unreadable`, or `NotTaken` for the login."""
    said = envelope(record)
    if said is None:
        raise Unreadable(f"no readable answer from FYERS ({_kind(record)})")
    if said.status == 401:
        raise LoginEnded(f"FYERS did not accept the login: {said.message}")
    if said.status != 200 or not said.ok:
        raise Unreadable(f"FYERS answered {said.code} with HTTP {said.status}")
    return said.payload


def never_opened(error: BaseException | None) -> bool:
    """Return whether the connection provably never opened, so nothing was written.

    Only these two reasons prove it: MaxRetryError wraps TLS and proxy failures as well,
    and garbage *after* an order was read looks the same as a bad certificate.
    """
    if not isinstance(error, requests.ConnectionError) or not error.args:
        return False
    wrapped = error.args[0]
    return isinstance(wrapped, MaxRetryError) and isinstance(
        wrapped.reason, NewConnectionError | ConnectTimeoutError
    )


def refused_token(record: Record) -> bool:
    """Return whether FYERS refused the token: a JSON 401, whatever its code."""
    said = envelope(record)
    return said is not None and said.status == 401 and not said.ok


def limited(record: Record) -> bool:
    """Return whether FYERS refused the call for its rate: a JSON 429."""
    said = envelope(record)
    return said is not None and said.status == 429 and not said.ok


def retry_after(record: Record) -> float | None:
    """Return the seconds a 429 asks to wait, or None where it does not say.

    `X-Retry-After-Ms` is the finer of FYERS's two headers.
    """
    if isinstance(record, Failed):
        return None
    for name, unit in (("X-Retry-After-Ms", 1000), ("Retry-After", 1)):
        try:
            seconds = float(record.headers[name]) / unit
        except (KeyError, ValueError):
            continue
        if isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _id(payload: Row) -> str | None:
    order_id = payload.get("id")
    if isinstance(order_id, str | int) and not isinstance(order_id, bool):
        return str(order_id).strip() or None
    return None


def _kind(record: Record) -> str:
    if isinstance(record, Answered):
        return f"HTTP {record.status}"
    return type(record.error).__name__
