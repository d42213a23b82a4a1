"""A loopback proxy that loses the answer to what it passed on."""

from __future__ import annotations

import contextlib
import socket
import threading


class LosingProxy:
    """Forwards to `target`; after `lose()` the next request gets no answer.

    It arrives all the same, unless `applied` is false; the connection is cut some time
    later, so that the server has applied it by then.
    """

    APPLIED_WITHIN = 0.5

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._losing = threading.Event()
        self._applied = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def lose(self, *, applied: bool = True) -> None:
        """Lose the answer to the next request, or the request itself."""
        self._applied = applied
        self._losing.set()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            _end(each)
        for thread in self._threads:
            thread.join(5)

    def _start(self, run: object, *args: object) -> None:
        thread = threading.Thread(target=run, args=args)  # type: ignore[arg-type]  # any callable
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            lost = threading.Event()
            self._start(self._requests, near, far, lost)
            self._start(self._answers, near, far, lost)

    def _requests(
        self, near: socket.socket, far: socket.socket, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                if self._losing.is_set() and not lost.is_set():
                    self._losing.clear()
                    lost.set()  # before the request is passed on, or its answer may win
                    timer = threading.Timer(self.APPLIED_WITHIN, _end, [near])
                    self._threads.append(timer)
                    timer.start()
                if self._applied or not lost.is_set():
                    far.sendall(data)
        _end(far)

    def _answers(
        self, near: socket.socket, far: socket.socket, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                if not lost.is_set():
                    near.sendall(data)
        _end(near)


def _end(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    peer.close()
