"""The simulator: one FYERS over HTTP, its state in the open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulator.api import DATA, TRADING
from simulator.calls import Call
from simulator.control import PREFIX, Control
from simulator.delivery import spoil
from simulator.faults import ORDER_KINDS, Fault
from simulator.listener import Listener, Outcome
from simulator.master_file import BSE_PATH
from simulator.master_file import PATH as MASTER_PATH
from simulator.options import Options
from simulator.wire import Refused, Reply, Request
from simulator.world import World

LOGIN_PATH = f"{TRADING}/generate-authcode"
ORDER_PATHS = (f"{TRADING}/orders/", f"{TRADING}/multi-order/")
REPLACED = ("error", "html", "rate", "expired", "not_allowed", "redirect")
"""Wire kinds whose reply is not the call's own."""


class Simulator(World):
    """A running FYERS stand-in; start it with `running`."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.stopping = threading.Event()
        address = options.host, options.port
        self._listener = Listener(address, self._answer, self.stopping)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), daemon=True
        )
        addresses = {
            "url": self.url,
            "master_url": self.master_url,
            "bse_master_url": self.bse_master_url,
        }
        self.control = Control(self, addresses)

    @property
    def url(self) -> str:
        """Return the base for FYERS_BASE_URL."""
        host, port = self._listener.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def master_url(self) -> str:
        """Return the address for SYMBOL_MASTER_URL."""
        return self.url + MASTER_PATH

    @property
    def bse_master_url(self) -> str:
        """Return the address of BSE's symbol master."""
        return self.url + BSE_PATH

    def drop_connections(self) -> None:
        """Close every kept-alive connection, as a front that was idle does."""
        self._listener.close_connections()

    def start(self) -> None:
        """Serve from a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self.stopping.set()
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.server_close()
        self._listener.close_connections()

    def _answer(self, request: Request) -> Outcome:
        if request.path.startswith(PREFIX):
            return self.control.answer(request), None, lambda _delivered: None
        call = self._recorded(request)
        reply, fault = self._answer_call(request, call)
        if request.path.startswith((TRADING, DATA)) and self.options.delay_ms:
            self.stopping.wait(self.options.delay_ms / 1000)

        def tell(delivered: bool) -> None:
            call.status = reply.status if delivered else 0

        return reply, fault, tell

    def _recorded(self, request: Request) -> Call:
        options = self.options
        call = Call(
            options.ticks(),
            options.clock().timestamp(),
            request.method,
            request.path,
            content(request),
        )
        self.calls.append(call)
        return call

    def _answer_call(self, request: Request, call: Call) -> tuple[Reply, Fault | None]:
        """Return the reply and, if its delivery goes wrong, the fault."""
        try:
            self._limit(request)
        except Refused as refused:
            return refused.reply(), None
        faults = self.faults.take(request.method, request.path, call.content)
        call.fault = ",".join(fault.kind for fault in faults)
        treatment = next((f for f in faults if f.kind in ORDER_KINDS), None)
        wire = next((f for f in faults if f.kind not in ORDER_KINDS), None)
        if wire is None:
            return self._served(request, treatment), None
        reply = None
        # A slow or dripping call takes effect all the same, only when is in question.
        if wire.kind == "slow" and wire.before:
            self.stopping.wait(wire.seconds)
        if wire.kind in ("slow", "drip") or not wire.before:
            reply = self._served(request, treatment)
        if wire.kind == "slow" and not wire.before:
            self.stopping.wait(wire.seconds)
        return spoil(wire, reply, request, self.options), wire

    def _served(self, request: Request, treatment: Fault | None) -> Reply:
        if request.path == MASTER_PATH:
            return self.master.answer(request)
        if request.path == BSE_PATH:
            return self.bse_master.answer(request)
        try:
            return self.api.answer(request, treatment)
        except Refused as refused:
            return refused.reply()

    def _limit(self, request: Request) -> None:
        """Count a call against FYERS's limits; the login page is no API call."""
        path = request.path
        counted = path.startswith((TRADING, DATA)) and path != LOGIN_PATH
        if counted and self.options.rate_limits:
            order = path.startswith(ORDER_PATHS) and request.method != "GET"
            self.limits.check(path, order=order)


def content(request: Request) -> str:
    """Return what a call says, for faults that look for a tag or a ticker."""
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    return query + request.body.decode("utf-8", "replace")


@contextmanager
def running(**options: Any) -> Iterator[Simulator]:
    """Run a simulator on a free port; keywords are the fields of `Options`."""
    simulator = Simulator(Options(**options))
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()
