"""Token and symbol snapshot as files: the embedded default, for one machine.

A file is replaced as a whole by renaming, so a reader sees the old or the new one and
needs no lock. The token's generation is taken from its content.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from shared.adapters import token_codec
from shared.errors import Conflict, Damaged, Doubtful
from shared.models import Deadline, Token
from shared.tokens import StoredToken

_POLL = 0.005
"""Seconds between two tries for the lock, which is held for about a millisecond."""


class FileTokens:
    """A TokenStore on one file that only its owner may read."""

    def __init__(self, path: Path, pause: Callable[[float], None]) -> None:
        self._path = path
        self._pause = pause

    def read(self, deadline: Deadline) -> StoredToken | None:
        """Return the file's token; see the port."""
        text = _read(self._path)
        if text is None:
            return None
        try:
            return StoredToken(token_codec.loads(text), _generation(text))
        except token_codec.NotAToken as error:
            raise Damaged(str(error), _generation(text)) from error

    def write(self, token: Token, generation: int, deadline: Deadline) -> int:
        """Replace that generation under the file's lock; see the port."""
        text = token_codec.dumps(token)
        with self._locked(deadline):
            if _generation(_read(self._path)) != generation:
                raise Conflict("another token is stored")
            _replace(self._path, text)
        return _generation(text)

    @contextlib.contextmanager
    def _locked(self, deadline: Deadline) -> Iterator[None]:
        beside = self._path.with_name(f"{self._path.name}.lock")
        try:
            beside.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(beside, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Doubtful(f"the token file failed: {error.strerror}") from error
        try:
            while not _taken(lock):
                if not deadline.left():
                    raise Doubtful("no time left for the token file's lock")
                self._pause(min(_POLL, deadline.left()))
            yield
        finally:
            os.close(lock)


class FileSymbols:
    """A SymbolStore on one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, deadline: Deadline) -> bytes | None:
        """Return the file's bytes; see the port."""
        return _read(self._path)

    def write(self, snapshot: bytes, deadline: Deadline) -> None:
        """Replace the file as a whole; see the port."""
        _replace(self._path, snapshot)


def _generation(text: bytes | None) -> int:
    if text is None:
        return 0
    return int.from_bytes(hashlib.sha256(text).digest()[:7]) + 1


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Doubtful(f"{path.name} cannot be read: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file, then rename; mode 0600 comes from `mkstemp`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Doubtful(f"{path.name} cannot be written: {error.strerror}") from error
