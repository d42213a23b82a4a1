"""Arms what goes wrong: at FYERS, in a store, in a process, on the phone."""

from __future__ import annotations

from simulator import Fault
from simulator.faults import ORDER_KINDS, WIRE_KINDS
from tests.faults.cells import Wrong
from tests.faults.director import Script
from tests.faults.stage import Stage
from tests.support.network import MODES

CALLS = {
    "place": ("POST", "/api/v3/orders/sync"),
    "quote": ("GET", "/data/quotes"),
    "positions": ("GET", "/api/v3/positions"),
    "book": ("GET", "/api/v3/orders"),
    "cancel": ("DELETE", "/api/v3/multi-order/sync"),
    "resize": ("PATCH", "/api/v3/orders/sync"),
    "renew": ("POST", "/api/v3/validate-refresh-token"),
}
BEFORE = ("unavailable", "hangs", "late", "cold")
AFTER = ("lost", "stuck")
STRUCK = (*BEFORE, *AFTER, "kill", "hold")
STEPS = (
    *("create", "read", "take", "sending", "done", "released", "unknown", "not_sent"),
    *("mark", "watched", "ledger", "once", "token", "symbols", "delivery", "notify"),
    *("look", "lane", "back", "strike", "guard"),
)


def strike(stage: Stage, wrong: Wrong) -> None:
    """Let one thing go wrong; raise ValueError for what nobody can do."""
    match wrong.where, wrong.what:
        case "meanwhile" | "then", _:
            pass  # played, not struck
        case "lag", "positions" | "book" | "fills":
            setattr(stage.fyers.options, f"{wrong.what}_lag", wrong.seconds)
        case "login", what:
            _spoil_login(stage, what)
        case "phone", "down" | "hang":
            mode = wrong.what + ("*" if wrong.times < 0 else "")
            stage.phone.modes += [mode] * abs(wrong.times)
        case "hand", "same" | "other":
            stage.by_hand(stage.lot * (1 if wrong.what == "same" else 2))
        case "bucket", what:
            stage.backend.strike(f"bucket-{what}{'*' if wrong.times < 0 else ''}")
        case "fyers", "renewing":
            stage.fyers.options.refresh_allowed = True
        case _:
            _strike_call(stage, wrong)


def _strike_call(stage: Stage, wrong: Wrong) -> None:
    call = wrong.where in CALLS
    if call and wrong.what in (*WIRE_KINDS, *ORDER_KINDS):
        _fault(stage, wrong)
    elif wrong.where in STEPS and wrong.what in MODES:
        script = Script(wrong.where, "before", f"network-{wrong.what}")
        stage.director.arm(script)
    elif (wrong.where in STEPS or call) and wrong.what in (*STRUCK, "slow"):
        _script(stage, wrong)
    else:
        raise ValueError(f"nothing can do this: {wrong}")


def _fault(stage: Stage, wrong: Wrong) -> None:
    method, path = CALLS[wrong.where]
    fault = Fault(
        path=path,
        method=method,
        kind=wrong.what,
        when=wrong.when,
        times=wrong.times,
        delay=wrong.seconds,
        skip=wrong.skip,
    )
    stage.fyers.faults.add(fault)


def _script(stage: Stage, wrong: Wrong) -> None:
    when = wrong.when
    if wrong.what in (*BEFORE, "slow"):
        when = "before"
    elif wrong.what in AFTER:
        when = "after"
    script = Script(
        wrong.where,
        when,
        wrong.what,
        wrong.seconds or 0.0,
        times=wrong.times,
        skip=wrong.skip,
    )
    stage.director.arm(script)


def _spoil_login(stage: Stage, what: str) -> None:
    match what:
        case "missing":
            stage.backend.store_token(None)
        case "garbage":
            stage.backend.store_token(b"{")
        case "ended":
            stage.fyers.auth.end_tokens()
        case _:
            raise ValueError(f"a login is not {what}")
