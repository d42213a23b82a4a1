"""The owner's phone: takes notices over HTTP, and is out of reach at times."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.soak.bucket import serving
from simulator.faults import Fault
from simulator.listener import Listener, Outcome
from simulator.wire import Refused, Reply, Request

HICCUPS = 0.05
"""Share of notices that fail while the phone is in reach."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One notice as it arrived; the same one may arrive twice."""

    request_id: str
    event: str
    message: str
    contract: str
    severity: str = ""
    at: float = 0.0
    """When it arrived, seconds on the monotonic clock."""


class Phone:
    """Records what the owner got to hear, in order."""

    def __init__(self, seed: int) -> None:
        self.heard: list[Heard] = []
        self.refused = 0
        self.down = False
        self.reliable = True
        self._draw = random.Random(seed)  # noqa: S311 - repeatable, guards nothing
        self.stopping = threading.Event()

    def worsen(self) -> None:
        """Fail now and then from here on."""
        self.reliable = False

    def recover(self) -> None:
        """Take every notice from now on."""
        self.down, self.reliable = False, True

    def answer(self, request: Request) -> Outcome:
        """Take a notice, or fail: refused, hung, or taken with its answer lost."""
        fault = None
        if not self.reliable and (self.down or self._draw.random() < HICCUPS):
            fault = self._draw.choice(("refuse", "hang", "lose"))
        if fault in ("refuse", "hang"):
            self.refused += 1
            kind = Fault(kind="hang", delay=1.0) if fault == "hang" else None
            return Reply(503, b"{}"), kind, _nobody
        try:
            self.heard.append(_heard(request.payload()))
        except Refused:  # its sender was killed in the middle of it
            return Reply(400, b"{}"), None, _nobody
        lost = Fault(kind="reset") if fault == "lose" else None
        return Reply(200, b"{}"), lost, _nobody


def _heard(notice: Mapping[str, object]) -> Heard:
    def text(name: str) -> str:
        return str(notice.get(name, ""))

    return Heard(
        request_id=text("request_id"),
        event=text("event"),
        message=text("message"),
        contract=text("contract"),
        severity=text("severity"),
        at=time.monotonic(),
    )


def _nobody(_delivered: bool) -> None:
    pass


@contextlib.contextmanager
def ringing(seed: int) -> Iterator[tuple[Phone, str]]:
    """Run a phone; yield it and its NOTIFICATION_URL."""
    phone = Phone(seed)
    server = Listener(("127.0.0.1", 0), phone.answer, phone.stopping)
    with serving(server):
        yield phone, f"http://127.0.0.1:{server.server_address[1]}/notices"


def as_json(heard: Heard) -> str:
    """Return a notice as one line."""
    return json.dumps([heard.event, heard.request_id, heard.message])
