"""One alert becomes one order, before one's eyes: `./dev.sh demo`.

Exits 0 only if the login, the snapshot, the order, its exits, the replay and the
position were all seen from outside.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from local import playground, serve
from local.playground import Failed, Playground

MARKED = {1: "cancelled", 2: "traded", 4: "transit", 5: "rejected", 6: "pending"}
"""FYERS's order status by its number."""

Row = Mapping[str, object]


@dataclass(slots=True)
class Story:
    """What happened, told while it happens and kept for --json."""

    quiet: bool
    steps: list[dict[str, object]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def tell(self, step: str, said: str, seconds: float | None = None) -> None:
        """Report a step; it took the time since the last one unless told."""
        now = time.monotonic()
        took = now - self.last if seconds is None else seconds
        self.last = now
        self.steps.append({"step": step, "result": said, "ms": round(took * 1000)})
        if not self.quiet:
            print(f"{step:<22} {took * 1000:>6.0f} ms  {said}", flush=True)

    def more(self, line: str) -> None:
        """Add a line to the step before."""
        if not self.quiet:
            print(f"{'':<33}{line}", flush=True)


def play(ground: Playground, story: Story) -> dict[str, object]:
    """Go from a login to a position; return the order. Raises `Failed`."""
    login = ground.log_in()
    story.tell("Logged in", f"auth-url, FYERS's page, generate-token: {_brief(login)}")
    symbols = ground.call("POST", "refresh-symbols")
    story.tell("Symbol snapshots", f"refresh-symbols: {_listed(symbols)}")
    ready = ground.call("GET", "webhook")
    story.tell("Webhook", str(ready.get("status")))

    alert = json.dumps(ground.alert())
    shown = json.dumps({**json.loads(alert), "token": "…"}, ensure_ascii=False)
    reply, seconds = _timed(lambda: ground.send(alert))
    placed = _placed(reply)
    story.tell("Alert sent", shown, seconds)
    story.more(f"{reply.status_code} {placed['message']}: {placed['order_id']}")

    order, exits = _in_book(ground, placed)
    story.tell("In FYERS's order book", _line(order))
    story.more(
        f"LTP {placed['ltp']}, stop loss {placed['stop_loss']}, "
        f"target {placed['take_profit']}"
    )
    for leg in exits:
        story.more(f"exit {_line(leg)}")

    again, seconds = _timed(lambda: ground.send(alert))
    _check_replay(ground, reply, again)
    story.tell("Same alert again", "replayed, still one order", seconds)

    net = _position(ground, order)
    story.tell("Position", f"{order['symbol']} {net} {order['productType']}")
    story.tell("One lot more", _refused(ground))
    return {**placed, "exits": [_line(leg) for leg in exits], "position": net}


def _refused(ground: Playground) -> str:
    """Return how the guardrail of one open lot refuses the next entry."""
    reply = ground.send(json.dumps({**ground.alert(), "strategy": "one more"}))
    content = reply.json()
    if content.get("code") != "guardrail":
        raise Failed(f"A lot too many was not refused: {reply.status_code}.")
    return f"{reply.status_code} {content['error']}"


def _placed(reply: requests.Response) -> dict[str, object]:
    content = reply.json()
    if reply.status_code != requests.codes.ok or not content.get("order_id"):
        raise Failed(
            f"The webhook answered {reply.status_code} {content.get('code')}: "
            f"{content.get('error')}"
        )
    return dict(content)


def _in_book(ground: Playground, placed: Row) -> tuple[Row, list[Row]]:
    rows, _ = ground.book()
    order = next((row for row in rows if row["id"] == placed["order_id"]), None)
    if order is None:
        raise Failed(f"The order book has no order {placed['order_id']}.")
    if (order["symbol"], order["qty"]) != (placed["symbol"], placed["qty"]):
        raise Failed("The order in the book is not the one in the reply.")
    exits: list[Row] = [row for row in rows if row.get("parentId") == order["id"]]
    if len(exits) != 2:  # a stop and a target
        raise Failed(f"The order has {len(exits)} exits in the book instead of two.")
    return order, exits


def _check_replay(
    ground: Playground, first: requests.Response, again: requests.Response
) -> None:
    if again.content != first.content or "Idempotency-Replayed" not in again.headers:
        raise Failed(f"The same alert was not replayed: {again.status_code}.")
    entries = [row for row in ground.book()[0] if not row.get("parentId")]
    if len(entries) != 1:
        raise Failed(f"The same alert twice made {len(entries)} orders.")


def _position(ground: Playground, order: Row) -> int:
    for row in ground.book()[1]:
        if row["symbol"] == order["symbol"] and row["netQty"] == -int(
            str(order["qty"])
        ):
            return -int(str(order["qty"]))
    raise Failed(f"No short position of {order['qty']} {order['symbol']} is open.")


def _timed(send: Callable[[], requests.Response]) -> tuple[requests.Response, float]:
    started = time.monotonic()
    return send(), time.monotonic() - started


def _line(row: Row) -> str:
    side = "SELL" if row["side"] == -1 else "BUY"
    prices = (f"{name} {row[key]}" for name, key in _PRICES if row.get(key))
    status = MARKED.get(int(str(row["status"])), str(row["status"]))
    return " ".join(
        [f"{row['id']} {side} {row['qty']} {row['symbol']}", *prices, status]
    )


_PRICES = (("limit", "limitPrice"), ("trigger", "stopPrice"), ("at", "tradedPrice"))


def _listed(content: Row) -> str:
    """Return what refresh-symbols read of each exchange."""
    exchanges = content["exchanges"]
    if not isinstance(exchanges, dict):
        raise Failed(f"refresh-symbols said {content}")
    return ", ".join(
        f"{name} {each['contracts']} contracts of {each['underlyings']} underlyings"
        for name, each in exchanges.items()
    )


def _brief(content: Row) -> str:
    hidden = ("success", "request_id", "message")
    told = [f"{name} {value}" for name, value in content.items() if name not in hidden]
    return str(content.get("message") or ", ".join(told).replace("_", " "))


def main() -> None:
    """Play the demo and exit with its outcome."""
    parser = argparse.ArgumentParser(
        prog="./dev.sh demo",
        description="A TradingView alert becomes an order at a simulated FYERS.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    story, said = Story(quiet=as_json), deque[str](maxlen=20)
    try:
        limits = {"MAX_OPEN_LOTS": "1"}
        with playground.running(log=said.append, env=limits) as ground:
            story.tell("Started", f"simulated FYERS {ground.fyers.url}")
            story.more(f"functions {ground.functions}")
            order = play(ground, story)
    except (Failed, serve.PortTaken, serve.StartFailed, OSError) as error:
        print("\n".join(said), file=sys.stderr)
        sys.exit(f"The demo failed. {error}")
    seconds = round(time.monotonic() - story.began, 1)
    if as_json:
        print(json.dumps({"order": order, "steps": story.steps, "seconds": seconds}))
    else:
        print(f"\nOne alert, one order: {order['order_id']}. {seconds} s in all.")


if __name__ == "__main__":
    main()
