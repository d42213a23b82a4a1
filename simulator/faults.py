"""Faults on request: what goes wrong with which call, before or after it counted."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields

WIRE_KINDS = (
    "reset",  # RST
    "close",  # FIN without a reply
    "hang",  # nothing for `delay` seconds, then FIN
    "slow",  # the right reply after `delay` seconds
    "drip",  # the right reply, one byte of the body every `delay` seconds
    "cut",  # the right reply, half its body, then FIN
    "error",  # JSON -99 "Something went wrong…" with `status` (500)
    "html",  # Cloudflare's page with `status` (502)
    "empty",  # 200 without a body
    "garbage",  # 200 with half a JSON object
    "no_ack",  # 200 with code 201: sent, not acknowledged
    "no_id",  # 200 with 1101 and no id
    "rate",  # JSON 429 with Retry-After of `delay` seconds (1)
    "expired",  # the endpoint's own 401
    "redirect",  # 302
    "not_allowed",  # 400/-50: orders are not allowed from this app
)
ORDER_KINDS = (
    "rms",  # refused at once by the risk system
    "rms_later",  # accepted, rejected `delay` (0.2) seconds later
    "unfilled",  # a market order that rests
    "partfill",  # a market order half filled
    "exits_vanish",  # its exit legs never appear
    "exits_rejected",  # its exit legs are rejected
    "unshown",  # accepted, and in no order book
    "unclear_taken",  # 200 with -99, no RED text and an id; the order exists
    "unclear_lost",  # the same, and the order does not exist
)
ALIASES = {"201": "no_ack", "429": "rate", "401": "expired", "302": "redirect"}
ALIASES |= {"refused_app": "not_allowed", "ok_without_id": "no_id"}
HTTP_ERRORS = ("500", "502", "503", "504")
NEVER_TAKEN = ("rate", "expired", "not_allowed")
"""Kinds that say the call was not taken; they happen before it, always."""
DEFAULT_DELAY = {"hang": 30.0, "slow": 5.0, "drip": 0.05, "rate": 1.0}


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong, `times` times, with the calls that match."""

    path: str = ""
    """The call's path or its beginning; empty matches all."""
    method: str = ""
    kind: str = "reset"
    when: str = "after"
    """`before` or `after` the call took effect."""
    times: int = 1
    """Below zero: for ever."""
    delay: float | None = None
    """Seconds; None is the kind's own."""
    status: int = 0
    """HTTP status of `error` and `html`; 0 is the kind's own."""
    tag: str = ""
    """Only the order with this tag."""
    symbol: str = ""
    """Only calls that name this ticker."""
    skip: int = 0
    """Matching calls to let pass first."""
    message: str = ""
    """The text of an `rms` or `rms_later`; empty is a margin shortfall."""

    def __post_init__(self) -> None:
        """Refuse an unknown kind, so that a typing error cannot pass a test."""
        if self.kind in HTTP_ERRORS:
            self.kind, self.status = "error", int(self.kind)
        self.kind = ALIASES.get(self.kind, self.kind)
        if self.kind not in (*WIRE_KINDS, *ORDER_KINDS):
            raise ValueError(f"unknown kind of fault: {self.kind!r}")
        if self.when not in ("before", "after"):
            raise ValueError(f"`when` is before or after, not {self.when!r}")

    @property
    def seconds(self) -> float:
        """Return the delay in seconds."""
        return DEFAULT_DELAY.get(self.kind, 0.0) if self.delay is None else self.delay

    @property
    def before(self) -> bool:
        """Return whether the call has no effect."""
        return self.when == "before" or self.kind in NEVER_TAKEN

    def matches(self, method: str, path: str, content: str) -> bool:
        """Return whether a call is meant; `content` is its query and body."""
        return (
            path.startswith(self.path)
            and self.method.upper() in ("", method)
            and (not self.tag or f'"{self.tag}"' in content)
            and self.symbol in content
        )

    def as_json(self) -> dict[str, object]:
        """Return every field by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(slots=True)
class Chaos:
    """Random faults of a soak: each call fails with probability `rate`."""

    rate: float
    kinds: Sequence[str] = ("reset", "close", "error", "html", "empty", "cut")
    paths: Sequence[str] = ("",)
    seed: int = 1
    delay: float | None = None


class Faults:
    """What is waiting to go wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.waiting: list[Fault] = []
        self._chaos: Chaos | None = None
        self._draw = random.Random(1)  # noqa: S311 - a soak must be repeatable

    def add(self, *faults: Fault) -> None:
        """Let faults happen to the next matching calls."""
        with self._lock:
            self.waiting += faults

    def clear(self) -> None:
        """Let nothing go wrong any more, chaos included."""
        with self._lock:
            self.waiting, self._chaos = [], None

    def unleash(self, chaos: Chaos | None) -> None:
        """Start (or with None end) random faults."""
        with self._lock:
            for kind in chaos.kinds if chaos else ():
                Fault(kind=kind)
            self._chaos = chaos if chaos and chaos.rate else None
            self._draw.seed(chaos.seed if chaos else 1)

    def take(self, method: str, path: str, content: str) -> list[Fault]:
        """Return what goes wrong with a call: at most one fault of each family."""
        with self._lock:
            taken: list[Fault] = []
            for family in (WIRE_KINDS, ORDER_KINDS):
                fault = self._next(family, method, path, content)
                if fault is not None:
                    taken.append(fault)
            if not taken and self._chaos is not None:
                taken = self._random(self._chaos, path)
            return taken

    def _next(
        self, family: tuple[str, ...], method: str, path: str, content: str
    ) -> Fault | None:
        for fault in self.waiting:
            if fault.kind in family and fault.matches(method, path, content):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times == 0:
                    self.waiting.remove(fault)
                return fault
        return None

    def _random(self, chaos: Chaos, path: str) -> list[Fault]:
        if not any(path.startswith(start) for start in chaos.paths):
            return []
        if self._draw.random() >= chaos.rate:
            return []
        kind = self._draw.choice(list(chaos.kinds))
        when = self._draw.choice(("before", "after"))
        return [Fault(kind=kind, when=when, delay=chaos.delay)]
