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
from typing import Final

_READY_WITHIN = 60.0

FIRESTORE: Final = "FIRESTORE_EMULATOR_HOST"
PUBSUB: Final = "PUBSUB_EMULATOR_HOST"
_COMMANDS = {
    FIRESTORE: ["gcloud", "emulators", "firestore", "start"],
    PUBSUB: ["gcloud", "beta", "emulators", "pubsub", "start", "--project=demo"],
}


@dataclass(frozen=True)
class Emulator:
    """A running emulator: the variable its clients read, and its `host:port`."""

    variable: str
    host: str
    group: int = 0
    """Its process group; 0 where somebody else started it and will end it."""

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
    emulator = start(FIRESTORE)
    try:
        yield emulator
    finally:
        end(emulator)


def start(variable: str) -> Emulator:
    """Start the emulator whose clients read `variable`, or name the one that runs.

    Raises `NoEmulator`. It outlives this process: whoever started it calls `end`.
    """
    if os.environ.get(variable):
        return Emulator(variable, os.environ[variable])
    for program in ("gcloud", "java"):
        if shutil.which(program) is None:
            raise NoEmulator(f"{program} is not installed, which {variable} needs")
    port = free_port()
    command = [*_COMMANDS[variable], f"--host-port=127.0.0.1:{port}", "--quiet"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        )
        emulator = Emulator(variable, f"127.0.0.1:{port}", process.pid)
        if _ready(process, port):
            return emulator
        end(emulator)
        log.seek(0)
        said = log.read()[-2000:].decode(errors="replace")
    raise NoEmulator(f"{' '.join(command)} did not start: {said}")


def end(emulator: Emulator) -> None:
    """Kill an emulator that `start` started; nothing of its state is kept."""
    if emulator.group:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(emulator.group, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # another process started it
            os.waitpid(emulator.group, 0)


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
