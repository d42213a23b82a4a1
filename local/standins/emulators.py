"""Google's own emulators, killed with their children.

`gcloud` starts a Java child that survives it, so each emulator gets a process group of
its own. One that is running already (its variable is set) is used as it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_READY_WITHIN = 60.0


@dataclass(frozen=True)
class Emulator:
    """A running emulator: the variable its clients read, and its `host:port`."""

    variable: str
    host: str

    def env(self) -> dict[str, str]:
        """Return the environment a process needs to use it."""
        return {**os.environ, self.variable: self.host}

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Point this process's new clients at it."""
        before = os.environ.get(self.variable)
        os.environ[self.variable] = self.host
        try:
            yield
        finally:
            os.environ.pop(self.variable)
            if before is not None:
                os.environ[self.variable] = before


class NoEmulator(Exception):
    """An emulator is not to be had; the text says why."""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def firestore() -> Iterator[Emulator]:
    """Run the Firestore emulator, or use the one that runs; raise `NoEmulator`."""
    command = ["gcloud", "emulators", "firestore", "start"]
    with _running("FIRESTORE_EMULATOR_HOST", command) as emulator:
        yield emulator


@contextlib.contextmanager
def pubsub() -> Iterator[Emulator]:
    """Run the Pub/Sub emulator, or use the one that runs; raise `NoEmulator`."""
    command = ["gcloud", "beta", "emulators", "pubsub", "start", "--project=demo"]
    with _running("PUBSUB_EMULATOR_HOST", command) as emulator:
        yield emulator


@contextlib.contextmanager
def _running(variable: str, command: list[str]) -> Iterator[Emulator]:
    if os.environ.get(variable):
        yield Emulator(variable, os.environ[variable])
        return
    for program in ("gcloud", "java"):
        if shutil.which(program) is None:
            raise NoEmulator(f"{program} is not installed, which {variable} needs")
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        log = Path(home) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, f"--host-port=127.0.0.1:{port}", "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
            )
        try:
            if _ready(process, port):
                yield Emulator(variable, f"127.0.0.1:{port}")
            else:
                said = log.read_text(errors="replace")[-2000:]
                raise NoEmulator(f"{' '.join(command)} did not start: {said}")
        finally:
            _end(process)


def _ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Return whether it answers HTTP, which both emulators do once they serve."""
    end = time.monotonic() + _READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 2) as peer,
        ):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if peer.recv(16).startswith(b"HTTP/1.1 200"):
                return True
        time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    # Killed at once: nothing of an emulator's state is kept.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
