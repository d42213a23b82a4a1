"""A morning of trading in two minutes, for the desk to be seen alive.

`./dev.sh run --replay` plays it at the simulator: targets and stops that trade, a reply
that is lost, an alert that is refused, and FYERS's own square-off at the end. Orders,
prices and fills are the simulator's; nothing is written into the stores from here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import requests

from local.playground import Failed, Playground
from local.standins.fyers import change
from simulator import Fault

BETWEEN = 11.0
"""Seconds between two things that happen."""

RESENDS = 4
"""Deliveries of one alert at most: TradingView's first and three more after a 5xx."""

PAST = 1.0
"""Rupees."""

ORDERS = "/api/v3/orders/sync"

Step = tuple[str, Callable[[], object]]


@dataclass
class Morning:
    """What happens, one after another, and what was traded so far."""

    ground: Playground
    traded: dict[str, dict[str, object]] = field(default_factory=dict)
    """The reply to each entry, by the name it has here."""

    def play(
        self,
        pause: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = print,
        steps: int | None = None,
    ) -> None:
        """Play it all, or so many steps; raise `Failed` at an answer nobody expects."""
        for words, act in islice(self._steps(), steps):
            pause(BETWEEN)
            say(f"replay: {words}")
            act()
            self.ground.call("POST", "reconcile")
        if steps is None:
            say("replay: the morning is over; look at the desk")

    def _steps(self) -> Iterator[Step]:
        yield "a short call", lambda: self._enter("call", optionType="CE")
        yield "a short put", lambda: self._enter("put", optionType="PE")
        yield "the call falls to its target", lambda: self._to("call", "take_profit")
        yield "an alert with a wrong field is refused", self._refused
        yield "the put is covered by a BUY", lambda: self._send("BUY", optionType="PE")
        yield "a long call", lambda: self._enter("long", "LONG", optionType="CE")
        yield "the call rises to its target", lambda: self._to("long", "take_profit")
        yield "another short call, and its reply is lost", self._lose_reply
        yield "a last short put", lambda: self._enter("last", optionType="PE")
        yield "the put rises to its stop", lambda: self._to("last", "stop_loss")
        yield "15:15: FYERS squares off what is left", self._square_off

    def _enter(self, name: str, action: str = "SELL", **changes: object) -> None:
        self.traded[name] = self._send(action, **changes)

    def _send(self, action: str, *also: int, **changes: object) -> dict[str, object]:
        """Deliver an alert as TradingView does; return the reply."""
        alert = json.dumps({**self.ground.alert(action), **changes})
        for _ in range(RESENDS):
            reply = self.ground.send(alert)
            if reply.status_code < 500:
                break
        if reply.status_code not in (200, *also):
            raise Failed(f"{action} was answered {reply.status_code}: {reply.text}")
        content: dict[str, object] = reply.json()
        return content

    def _refused(self) -> None:
        self._send("SELL", 400, quantty=75)

    def _lose_reply(self) -> None:
        lost = Fault(kind="reset", path=ORDERS, when="after")
        self.ground.fyers.faults.add(lost)
        self._send("SELL", 202, strikeprice="ATM+2")

    def _to(self, name: str, level: str) -> None:
        """Let the price of what was traded pass its stop or target by a little.

        FYERS counts both from the fill, which is not quite the price before it.
        """
        reply = self.traded[name]
        place, before = float(str(reply[level])), float(str(reply["ltp"]))
        price = place + (PAST if place > before else -PAST)
        self._change(prices={str(reply["symbol"]): round(price, 2)})

    def _square_off(self) -> None:
        self._change(square_off=True)

    def _change(self, **what: object) -> None:
        try:
            change(self.ground.fyers, **what)
        except requests.HTTPError as error:
            raise Failed(f"the simulator answered {error.response.text}") from error
