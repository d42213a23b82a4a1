"""Replies to several orders at once, each item with its own status and code."""

from __future__ import annotations

import json
from collections.abc import Callable

from simulator.rules import invalid
from simulator.wire import Payload, Refused, Reply, Request, ok

MOST_ITEMS = 10


def one_by_one(request: Request, do: Callable[[Payload], Reply]) -> Reply:
    """Answer an array of at most ten orders; raise `Refused` for anything else."""
    try:
        bodies = json.loads(request.body)
    except ValueError:
        raise invalid() from None
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= MOST_ITEMS:
        raise invalid()
    return ok(data=[_answered(body, do) for body in bodies])


def item(reply: Reply) -> Payload:
    """Return a reply as an item of `data` (docs/fyers.md: Calls and refusals)."""
    body: Payload = json.loads(reply.body)
    good = body["s"] == "ok"
    return {
        "statusCode": 200 if good else 400,
        "body": body,
        "statusDescription": "OK" if good else "Bad Request",
    }


def _answered(body: object, do: Callable[[Payload], Reply]) -> Payload:
    try:
        if not isinstance(body, dict):
            raise invalid()
        return item(do(body))
    except Refused as refused:
        return item(Refused.reply(_named(refused)))


def _named(refused: Refused) -> Refused:
    """Give a refused item the `id` it always has, empty if there is none."""
    refused.extra.setdefault("id", "")
    return refused
