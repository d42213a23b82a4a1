"""Each function starts under the plain framework, as the platform starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.parent.name for path in ROOT.glob("functions/*/main.py"))
POSTED = ("refresh_token", "refresh_symbols", "reconcile")


@contextmanager
def framework(name: str, folder: Path) -> Iterator[str]:
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
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def test_every_function_of_the_design_is_there() -> None:
    assert (
        sorted(
            [
                "auth_url",
                "generate_token",
                "readyz",
                "reconcile",
                "refresh_symbols",
                "refresh_token",
                "webhook",
            ]
        )
        == NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_function_starts_and_names_what_is_not_configured(
    name: str, tmp_path: Path
) -> None:
    with framework(name, tmp_path) as url:
        method = "POST" if name in POSTED else "GET"
        reply = requests.request(method, url, timeout=30)
    if name == "readyz":
        assert reply.status_code == 503
        assert reply.json()["checks"]["settings"]["status"] == "failing"
    else:
        assert reply.status_code == 500
        assert reply.json()["code"] == "misconfigured"
