"""The owner's phone: an address that takes notices, unless it is out of reach."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from simulator.faults import Fault
from simulator.listener import Listener, Outcome
from simulator.wire import Reply, Request

HANG = 1.0
"""Seconds that a hanging phone says nothing; longer than anybody waits for it."""


@dataclass
class Phone:
    """Where the owner's notices arrive, in order; one sent twice is there twice."""

    url: str = ""
    notices: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    """When each came, seconds on the monotonic clock."""
    modes: list[str] = field(default_factory=list)
    """What meets the next notices: `down` (503), `hang` (no answer), `lose` (taken,
    the answer lost); one that ends in `*` stays."""
    mood: Callable[[], str] = lambda: ""
    """Returns the mode where `modes` names none."""
    refused: int = 0

    @property
    def events(self) -> list[str]:
        """Return what the notices were about."""
        return [str(notice["event"]) for notice in self.notices]

    def answer(self, request: Request) -> Outcome:
        """Take a notice, or fail."""
        mode = self._mode()
        if mode in ("down", "hang"):
            self.refused += 1
            silence = Fault(kind="hang", delay=HANG) if mode == "hang" else None
            return Reply(503, b"{}"), silence, _nobody
        try:
            notice = json.loads(request.body)
        except ValueError:  # its sender was killed in the middle of it
            return Reply(400, b"{}"), None, _nobody
        self.notices.append(notice)
        self.arrived.append(time.monotonic())
        lost = Fault(kind="reset") if mode == "lose" else None
        return Reply(200, b"{}"), lost, _nobody

    def _mode(self) -> str:
        if not self.modes:
            return self.mood()
        return self.modes[0][:-1] if self.modes[0].endswith("*") else self.modes.pop(0)


def _nobody(_delivered: bool) -> None:
    pass


@contextmanager
def ringing() -> Iterator[Phone]:
    """Serve a phone on a free port."""
    phone = Phone()
    stopping = threading.Event()
    server = Listener(("127.0.0.1", 0), phone.answer, stopping)
    phone.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield phone
    finally:
        stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
        server.close_connections()
