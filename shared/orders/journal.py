"""One line in the log for each decision, in the words a trader uses.

SELL 65 NSE:… INTRADAY placed as … at 181.20, stop 208.45, target 135.95, 34 ms
SELL NIFTY 25800 CE WEEKLY refused, 400 stale_alert: time is 75 s ago, 3 ms
"""

from __future__ import annotations

import json
import logging

from shared.orders.ports import Answer

_LOG = logging.getLogger(__name__)

LEVELS = (("ltp", "at"), ("stop_loss", "stop"), ("take_profit", "target"))
"""What the reply calls a price, and what a trader does."""


def log_decision(answer: Answer, what: str, seconds: float) -> None:
    """Log what became of an alert; `what` is the alert in words."""
    body = json.loads(answer.reply.body)
    milliseconds = round(seconds * 1000)
    if answer.reply.status == 200:
        words = _placed(body, what)
    else:
        words = f"{what} refused, {answer.reply.status} {body['code']}: {body['error']}"
    if answer.replayed:
        words += " (replayed)"
    fields = {
        "order_id": body.get("order_id"),
        "contract": body.get("symbol"),
        "code": body.get("code"),
        "status": answer.reply.status,
        "ms": milliseconds,
    }
    shown = {name: value for name, value in fields.items() if value is not None}
    _LOG.info("%s, %s ms", words, milliseconds, extra={"json_fields": shown})


def _placed(body: dict[str, object], what: str) -> str:
    if "order_id" not in body:
        return f"{what}: {body['message']}"
    levels = [
        f"{word} {body[name]:.2f}"
        for name, word in LEVELS
        if isinstance(body.get(name), int | float)
    ]
    order = f"{body['action']} {body['qty']} {body['symbol']} {body['product_type']}"
    if body.get("paper"):
        order = f"PAPER {order}"
    placed = " ".join((order, "placed as", str(body["order_id"])))
    return ", ".join((" ".join((placed, *levels[:1])), *levels[1:]))
