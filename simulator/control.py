"""`/_sim/…`: how a test or a person steers the simulator over HTTP.

    POST   /_sim/login     {}                            -> access and refresh token
    POST   /_sim/faults    {…} or [{…}, …]                fields of `Fault`
    DELETE /_sim/faults
    POST   /_sim/chaos     {"rate": 0.1, "kinds": […]}    fields of `Chaos`; rate 0 ends
    GET    /_sim/state
    POST   /_sim/state     {"prices": {…}, …}             keys of `CHANGES`
    POST   /_sim/reset

An unknown key or kind is a 400 that names it: a typing error must not pass a test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from typing import Any

from simulator.calls import busiest_second, counted
from simulator.changes import apply
from simulator.faults import Chaos, Fault
from simulator.wire import Reply, Request, encode
from simulator.world import World

PREFIX = "/_sim/"
SETTINGS = (
    "app_id",
    "fy_id",
    "rate_limits",
    "delay_ms",
    "refresh_allowed",
    "orders_allowed",
    "fill",
    "fill_delay",
    "stop_leg_type",
    "tagged_legs",
    "positions_lag",
    "book_lag",
    "fills_lag",
    "untagged",
    "tag_form",
    "id_suffix",
    "plain_parent",
    "legs",
    "oco",
    "stops_fill",
    "triggered_type",
    "stop_orders",
    "exits_hold_margin",
    "slice_refused",
    "slice_tags",
    "single_slice",
    "market_status",
    "chain_missing",
)


class Control:
    """The steering endpoints; no token, no limits, no faults."""

    def __init__(self, world: World, addresses: Mapping[str, str]) -> None:
        self._world = world
        self._addresses = addresses

    def answer(self, request: Request) -> Reply:
        """Answer a control call; what it cannot do is a 400 with the reason."""
        name = f"{request.method} {request.path.removeprefix(PREFIX)}"
        try:
            body = json.loads(request.body or b"{}")
            return Reply(200, encode(self._do(name, body)))
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            said = f"{type(error).__name__}: {error}"
            return Reply(400, encode({"s": "error", "message": said}))

    def _do(self, name: str, body: Any) -> object:
        world = self._world
        match name:
            case "GET state":
                return self.state()
            case "POST state":
                return apply(world, body)
            case "POST reset":
                world.reset()
            case "POST login":
                return world.login()
            case "POST faults":
                wanted = body if isinstance(body, list) else [body]
                world.faults.add(*[Fault(**fields) for fields in wanted])
            case "DELETE faults":
                world.faults.clear()
            case "POST chaos":
                world.faults.unleash(Chaos(**body))
            case _:
                raise ValueError(f"no such control: {name}")
        return {"s": "ok"}

    def state(self) -> dict[str, object]:
        """Return what happened so far and how the simulator is set."""
        world = self._world
        exchange, options = world.exchange, world.options
        exchange.settle()
        with exchange.lock:
            calls = list(world.calls)
            return {
                "s": "ok",
                "now": options.clock().isoformat(),
                **self._addresses,
                "contracts": len(exchange.market.catalogue),
                "orders": world.api.order_rows(),
                "positions": world.api.position_rows(),
                "trades": [t.row(n) for n, t in enumerate(exchange.trades, 1)],
                "calls": counted(calls),
                "total_calls": len(calls),
                "max_calls_in_a_second": busiest_second(calls),
                "refused_by_limits": world.limits.refused,
                "minute_breaches": world.limits.breaches,
                "faults": [fault.as_json() for fault in world.faults.waiting],
                "settings": {name: _plain(getattr(options, name)) for name in SETTINGS},
            }


def _plain(value: object) -> object:
    """Return a setting as JSON can show it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(each) for name, each in asdict(value).items()}
    return float(value) if isinstance(value, Decimal) else value
