"""One function under the framework's own command, as the platform starts it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.standins.emulators import free_port

ROOT = Path(__file__).resolve().parents[2]
WEBHOOK = ROOT / "functions" / "webhook" / "main.py"
HELLO = Path(__file__).with_name("hello.py")

PATIENCE = 30.0
TRADINGVIEW = 3.0
"""Seconds after which TradingView hangs up."""


class NotServed(Exception):
    """The function did not do its part; the text is what it said last."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one delivery."""

    status: int
    """0: nothing within the time allowed."""
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Served:
    """A running function."""

    began: float
    """When its process was started, on `time.monotonic`."""
    port: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def first(self, body: bytes = b"") -> float | None:
        """Deliver as soon as the port takes it; return seconds since the start.

        None where the instance was too slow to send anything (503).
        """
        while self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.002)
        answer = self.deliver(body)
        took = time.monotonic() - self.began
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        self.must(answer)
        return took

    def deliver(self, body: bytes, timeout: float = PATIENCE) -> Answer:
        """POST as TradingView does, over a connection of its own."""
        start = time.monotonic()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            link.request("POST", "/", body, headers)
            reply = link.getresponse()
            status, content = reply.status, reply.read()
        except OSError:
            status, content = 0, b""
        finally:
            link.close()
        return Answer(status, content, time.monotonic() - start)

    def must(self, answer: Answer) -> None:
        """Raise `NotServed` unless it is a 200."""
        if answer.status != http.HTTPStatus.OK:
            said = answer.body.decode(errors="replace") or "no answer"
            raise NotServed(f"{answer.status}: {said}\n{self._last_words()}")

    def _last_words(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]

    def pss(self) -> int | None:
        """Return the bytes of master and worker, shared pages split between them.

        None where the system does not tell (it is Linux's proportional set size).
        """
        try:
            return sum(_pss(pid) for pid in self._pids())
        except (OSError, ValueError):
            return None

    def processor(self) -> float | None:
        """Return the processor seconds of master and worker so far; Linux tells."""
        try:
            return sum(_processor(pid) for pid in self._pids())
        except (OSError, ValueError):
            return None

    def _pids(self) -> list[int]:
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [master, *map(int, children.split())]


def _processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss")


@contextlib.contextmanager
def serving(source: Path, env: Mapping[str, str]) -> Iterator[Served]:
    """Run a function with these settings and none of the developer's shell."""
    port, target = free_port(), "hello" if source == HELLO else source.parent.name
    neutral = {name: os.environ[name] for name in _NEUTRAL if name in os.environ}
    command = [
        str(Path(sys.executable).with_name("functions-framework")),
        *("--source", str(source), "--target", target),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    # gunicorn leaves a control socket in the home folder.
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as home:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=neutral
            | _PLATFORM
            | {"PYTHONPATH": str(ROOT), "HOME": home}
            | dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the worker is a child: end the whole group
        )
        try:
            yield Served(began, port, process, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


_NEUTRAL = ("PATH", "TMPDIR", "LANG", "LC_ALL")
_PLATFORM = {"THREADS": "64", "USE_CLOUD_LOGGING": "true"}
