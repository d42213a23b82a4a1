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
from typing import TYPE_CHECKING, Any

from simulator.calls import busiest_second, counted
from simulator.changes import apply
from simulator.faults import Chaos, Fault
from simulator.wire import Reply, Request, encode

if TYPE_CHECKING:
    from simulator.server import Simulator

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
)


class Control:
    """The steering endpoints; no token, no limits, no faults."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

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
        simulator = self._simulator
        match name:
            case "GET state":
                return self.state()
            case "POST state":
                return apply(simulator, body)
            case "POST reset":
                simulator.reset()
            case "POST login":
                return simulator.login()
            case "POST faults":
                wanted = body if isinstance(body, list) else [body]
                simulator.faults.add(*[Fault(**fields) for fields in wanted])
            case "DELETE faults":
                simulator.faults.clear()
            case "POST chaos":
                simulator.faults.unleash(Chaos(**body))
            case _:
                raise ValueError(f"no such control: {name}")
        return {"s": "ok"}

    def state(self) -> dict[str, object]:
        """Return what happened so far and how the simulator is set."""
        simulator = self._simulator
        exchange, options = simulator.exchange, simulator.options
        exchange.settle()
        with exchange.lock:
            calls = list(simulator.calls)
            return {
                "s": "ok",
                "now": options.clock().isoformat(),
                "url": simulator.url,
                "master_url": simulator.master_url,
                "contracts": len(exchange.market.catalogue),
                "orders": simulator.api.order_rows(),
                "positions": simulator.api.position_rows(),
                "trades": [t.row(n) for n, t in enumerate(exchange.trades, 1)],
                "calls": counted(calls),
                "total_calls": len(calls),
                "max_calls_in_a_second": busiest_second(calls),
                "refused_by_limits": simulator.limits.refused,
                "minute_breaches": simulator.limits.breaches,
                "faults": [fault.as_json() for fault in simulator.faults.waiting],
                "settings": {name: getattr(options, name) for name in SETTINGS},
            }
