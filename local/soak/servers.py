"""Two server processes over one state, killed without warning and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests

from local import serve
from local.standins.emulators import free_port

_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")
_STARTS_WITHIN = 60.0


class Server:
    """One instance of every function; it keeps its port over its deaths."""

    def __init__(self, name: str, env: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = logs / f"{name}.log"
        self.deaths = 0
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        self._env = kept | {"PYTHONUNBUFFERED": "1"} | dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it accepts connections before it can answer them."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.hours", "--port", str(self.port)],
                cwd=serve.ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # gunicorn's worker is a child of its own
            )

    def ready(self) -> None:
        """Wait until it answers; raise `StartFailed`."""
        end = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < end and self._alive():
            with contextlib.suppress(requests.RequestException):
                requests.get(self.url, timeout=_STARTS_WITHIN)
                return
            time.sleep(0.05)
        said = self.log.read_text(errors="replace").strip().splitlines()
        raise serve.StartFailed(said[-1] if said else "The functions did not start.")

    def kill(self) -> None:
        """End the whole process group at once, whatever it is doing."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


@contextlib.contextmanager
def serving(env: Mapping[str, str], logs: Path) -> Iterator[tuple[Server, Server]]:
    """Run two servers over the same settings; raise `StartFailed`."""
    pair = Server("one", env, logs), Server("two", env, logs)
    try:
        for server in pair:
            server.start()
        for server in pair:
            server.ready()
        yield pair
    finally:
        for server in pair:
            server.kill()
