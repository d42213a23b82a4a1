"""Google's stores on this machine: the Firestore emulator, a bucket, and distance."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import unquote

import google_crc32c

from simulator.listener import Listener, Outcome
from simulator.wire import Reply, Request

_READY_WITHIN = 60.0
_EMULATOR = ("gcloud", "emulators", "firestore", "start", "--quiet")

_Server = TypeVar("_Server", bound=socketserver.BaseServer)


class NoEmulator(Exception):
    """The Firestore emulator is not to be had; the text says why."""


@contextlib.contextmanager
def firestore() -> Iterator[str]:
    """Run the Firestore emulator, or use the one that runs; yield its `host:port`.

    Raises `NoEmulator`.
    """
    if running := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield running
        return
    for program in ("gcloud", "java"):
        if shutil.which(program) is None:
            raise NoEmulator(f"{program} is not installed")
    place = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*_EMULATOR, f"--host-port={place}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its Java child survives gcloud
        )
        try:
            if not _answers(process, place):
                log.seek(0)
                said = log.read().decode(errors="replace").strip().splitlines()
                raise NoEmulator(f"it did not start: {said[-1] if said else 'silence'}")
            yield place
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], place: str) -> bool:
    host, _, port = place.partition(":")
    end = time.monotonic() + _READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host, int(port)), 2) as peer,
        ):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if peer.recv(16).startswith(b"HTTP/1.1 200"):
                return True
        time.sleep(0.1)
    return False


@contextlib.contextmanager
def bucket(objects: dict[str, bytes]) -> Iterator[str]:
    """Serve objects as Cloud Storage's downloads; yield STORAGE_EMULATOR_HOST."""

    def answer(request: Request) -> Outcome:
        content = objects.get(unquote(request.path).partition("/o/")[2])
        if content is None:
            return Reply(404, b"{}"), None, _nobody
        checksum = b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()
        headers = (("X-Goog-Generation", "1"), ("X-Goog-Hash", f"crc32c={checksum}"))
        return Reply(200, content, headers=headers), None, _nobody

    stopping = threading.Event()
    server = Listener(("127.0.0.1", 0), answer, stopping)
    with _served(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"
    server.close_connections()


def _nobody(_delivered: bool) -> None:
    pass


class Distance(socketserver.ThreadingTCPServer):
    """A TCP proxy that delivers every answer `delay` seconds late."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, place: str) -> None:
        host, _, port = place.partition(":")
        self.target = host, int(port)
        self.delay = 0.0
        super().__init__(("127.0.0.1", 0), _Link)

    @property
    def place(self) -> str:
        """Return `host:port`."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Link(socketserver.BaseRequestHandler):
    server: Distance

    def handle(self) -> None:
        near: socket.socket = self.request
        with socket.create_connection(self.server.target) as far:
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            late: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            threading.Thread(target=_deliver, args=(late, near), daemon=True).start()
            threading.Thread(
                target=self._collect, args=(far, late), daemon=True
            ).start()
            with contextlib.suppress(OSError):
                while data := near.recv(65536):
                    far.sendall(data)

    def _collect(
        self, far: socket.socket, late: queue.SimpleQueue[tuple[float, bytes]]
    ) -> None:
        data = b"-"
        while data:
            try:
                data = far.recv(65536)
            except OSError:
                data = b""
            late.put((time.monotonic() + self.server.delay, data))


def _deliver(late: queue.SimpleQueue[tuple[float, bytes]], near: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, data = late.get()
            if not data:
                break
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            near.sendall(data)


@contextlib.contextmanager
def distance(place: str) -> Iterator[Distance]:
    """Run a `Distance` in front of a server."""
    with _served(Distance(place)) as server:
        yield server


@contextlib.contextmanager
def _served(server: _Server) -> Iterator[_Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
