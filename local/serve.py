"""All functions on one port, each by its own main.py, as the platform loads them.

The framework serves one function per process. Here each `functions/<name>/main.py` goes
through the framework's own `create_app`, and the first path segment picks the app.
gunicorn runs them as it does on the platform: one worker with threads, forked after the
functions were loaded. The functions learn the addresses deploy.sh would have told them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import functions_framework
from gunicorn.app.base import (  # type: ignore[import-untyped]  # ships no types
    BaseApplication,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
THREADS = 64  # as deploy.sh gives the webhook
READY = "Serving on "
GRACE_SECONDS = 5


class PortTaken(Exception):
    """The port cannot be had; the text says what to do."""


class StartFailed(Exception):
    """The functions did not start; the text is the last thing they said."""


def load(folder: Path = FUNCTIONS) -> dict[str, WSGIApplication]:
    """Return path segment -> app for every `main.py` under `folder`."""
    apps: dict[str, WSGIApplication] = {}
    for main in sorted(folder.glob("*/main.py")):
        name = main.parent.name
        apps[name.replace("_", "-")] = functions_framework.create_app(  # type: ignore[no-untyped-call]  # the framework has no types
            name, str(main)
        )
    return apps


def by_first_segment(apps: Mapping[str, WSGIApplication]) -> WSGIApplication:
    """Return one app that picks another by the path and passes on the rest.

    A bare `/webhook` is served, never redirected: a webhook's sender follows nothing.
    """

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        name, _, rest = environ.get("PATH_INFO", "").lstrip("/").partition("/")
        if name not in apps:
            return _not_found(apps, start)
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{name}"
        environ["PATH_INFO"] = f"/{rest}"
        return apps[name](environ, start)

    return app


def _not_found(apps: Iterable[str], start: StartResponse) -> Iterable[bytes]:
    paths = [f"/{name}" for name in apps]
    reply = {
        "success": False,
        "error": f"nothing is served here; there are {', '.join(paths) or 'none'}",
        "code": "not_found",
        "paths": paths,
    }
    body = json.dumps(reply).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    start("404 Not Found", headers)
    return [body]


def bind(port: int) -> socket.socket:
    """Return a listening loopback socket (0: any free port); raise `PortTaken`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Port {port} cannot be used ({error.strerror}): "
            "stop what uses it or name another with --port."
        ) from error
    listener.listen(512)
    return listener


def address(listener: socket.socket) -> str:
    """Return the http address of a listening socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn over a socket that is bound already, without its side files."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        self._app = app
        self._address = address(listener)
        self._fd = listener.detach()  # gunicorn closes it: it is its own from here on
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, object] = {
            "bind": f"fd://{self._fd}",
            "workers": 1,
            "threads": THREADS,
            "timeout": 0,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "error",
            "control_socket_disable": True,
            "when_ready": self._ready,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        return self._app

    def _ready(self, _arbiter: object) -> None:
        print(f"{READY}{self._address}", flush=True)


@contextlib.contextmanager
def running(
    env: Mapping[str, str],
    port: int = 0,
    log: Callable[[str], None] = lambda line: None,
    folder: Path = FUNCTIONS,
    module: str = "local.serve",
) -> Iterator[str]:
    """Serve all functions in a process of their own; yield the address.

    `env` is added to a bare environment (PATH, HOME and the like), so no setting of the
    developer's shell gets in. `log` gets each line the functions write. `module`
    is what runs, this one or one that calls its `main`. Raises `PortTaken`,
    `StartFailed`.
    """
    listener = bind(port)
    inherited = {name: os.environ[name] for name in _NEUTRAL if name in os.environ}
    command = [sys.executable, "-m", module, "--functions", str(folder)]
    with listener:
        process = subprocess.Popen(
            [*command, "--fd", str(listener.fileno())],
            cwd=ROOT,
            env=inherited | {"PYTHONUNBUFFERED": "1"} | dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=(listener.fileno(),),
            start_new_session=True,  # the worker is a child: end the whole group
        )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        said = []
        for line in process.stdout:
            if line.startswith(READY):
                break
            said.append(line.rstrip())
            log(line.rstrip())
        else:
            raise StartFailed(said[-1] if said else "The functions did not start.")
        threading.Thread(target=_relay, args=(process.stdout, log), daemon=True).start()
        yield line.removeprefix(READY).strip()
    finally:
        _end(process)


def _relay(lines: Iterable[str], log: Callable[[str], None]) -> None:
    for line in lines:
        log(line.rstrip())


_NEUTRAL = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "SSL_CERT_FILE")


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS + 1)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m local.serve",
        description="Serve every function on one port; settings from the environment.",
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--fd", type=int, help="a listening socket to serve instead")
    parser.add_argument("--functions", type=Path, default=FUNCTIONS, metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        listener = (
            bind(arguments.port)
            if arguments.fd is None
            else socket.socket(fileno=arguments.fd)
        )
    except PortTaken as error:
        sys.exit(str(error))
    own = address(listener)
    os.environ.setdefault("FYERS_REDIRECT_URI", f"{own}/generate-token")
    os.environ.setdefault("AUTH_URL", f"{own}/auth-url")
    os.environ.setdefault("DESK_URL", f"{own}/desk")
    os.environ.setdefault("WEBHOOK_URL", f"{own}/webhook")
    apps = load(arguments.functions)
    for name in apps:
        print(f"  {own}/{name}")
    sys.argv = sys.argv[:1]  # gunicorn would read our arguments
    _Server(by_first_segment(apps), listener).run()


if __name__ == "__main__":
    main()
