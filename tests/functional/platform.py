"""One function under the plain framework, as the platform starts it, and its memory."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Instance:
    """A running function: its address and its process."""

    url: str
    port: int
    pid: int

    def peak(self) -> float:
        """Return the most megabytes the worker held, and begin to measure anew."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        worker = Path("/proc", children.strip())
        status = (worker / "status").read_text()
        (worker / "clear_refs").write_text("5")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


@contextmanager
def started(
    name: str, folder: Path, env: Mapping[str, str] | None = None
) -> Iterator[Instance]:
    """Yield a function that listens; nothing but `env` is configured."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("functions-framework")),
        *("--source", f"functions/{name}/main.py", "--target", name),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ".",
            "STATE_BACKEND": "local",
            "LOCAL_STATE_DIR": str(folder),
            **(env or {}),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Instance(f"http://127.0.0.1:{port}/", port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
