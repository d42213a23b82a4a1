"""Decides, from the test's side, what happens at named points of the served processes.

A served process names each point as it passes it (`create` before, `place` after, …)
over a loopback connection and does what it is told: go on, fail, hang, die. So a fault
strikes one exact step of one instance, and what was passed is known afterwards.
"""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

GO = "go"
HOLD = "hold"
EVER = -1


@dataclass(slots=True)
class Script:
    """What the next passings of a point are told."""

    point: str
    when: str
    """`before` or `after` the step."""
    do: str
    seconds: float = 0.0
    times: int = 1
    """`EVER`: until cleared."""
    server: int | None = None
    """Only this instance; None: whichever comes first."""
    skip: int = 0
    """Passings that go well before."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A process came by a point."""

    point: str
    when: str
    server: int
    request_id: str
    tag: str
    told: str


@dataclass
class Director:
    """Listens on a free loopback port; `address` goes to the served processes."""

    passed: list[Passed] = field(default_factory=list)
    network: Callable[[str], None] = lambda what: None
    """Strikes the network to the stores at `severed`, `frozen`, …; `` heals it."""
    _scripts: list[Script] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _release: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        director = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                director._answer(self)

        self._server = _Listener(("127.0.0.1", 0), Handler)
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        ).start()

    @property
    def address(self) -> str:
        """Return `host:port`."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def arm(self, *scripts: Script) -> None:
        """Let things happen at the next passings."""
        with self._lock:
            self._scripts += scripts

    def clear(self) -> None:
        """Let nothing happen any more, end every hold, forget what was passed."""
        with self._lock:
            self._scripts.clear()
            self.passed.clear()
        self.release()
        self._release = threading.Event()
        self._held = threading.Semaphore(0)

    def disarm(self) -> None:
        """Let nothing more happen; what is held stays held."""
        with self._lock:
            self._scripts.clear()

    def until_held(self, seconds: float = 5.0) -> None:
        """Wait until a process stands still at a held point."""
        if not self._held.acquire(timeout=seconds):
            raise AssertionError("no process came by the point where it was to wait")

    def release(self) -> None:
        """Let what is held go on."""
        self._release.set()

    def close(self) -> None:
        """End every hold and stop listening."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: socketserver.StreamRequestHandler) -> None:
        line = handler.rfile.readline()
        if not line:
            return
        at: dict[str, Any] = json.loads(line)
        script = self._next(at)
        told = script.do if script else GO
        if told.startswith("network-"):
            self.network(told.removeprefix("network-"))
        elif (at["point"], at["when"]) == ("delivery", "after"):
            self.network("")
        self.passed.append(Passed(**at, told=told))
        if told == HOLD:
            release = self._release
            self._held.release()
            release.wait(20)
            told = GO
        seconds = script.seconds if script else 0.0
        handler.wfile.write(json.dumps({"do": told, "seconds": seconds}).encode())

    def _next(self, at: dict[str, Any]) -> Script | None:
        with self._lock:
            for script in self._scripts:
                if (script.point, script.when) == (
                    at["point"],
                    at["when"],
                ) and script.server in (None, at["server"]):
                    if script.skip:
                        script.skip -= 1
                        continue
                    script.times -= 1
                    if script.times == 0:
                        self._scripts.remove(script)
                    return script
        return None


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a process that died while it asked."""


def pause(seconds: float) -> None:
    """Wait for real."""
    if seconds > 0:
        time.sleep(seconds)
