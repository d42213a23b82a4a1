"""Logs: one line per record, the request's id on it, and no secret in it.

    record --factory--> request id, trace, masked message and traceback
           --handlers--> stdout (Cloud Logging's JSON, or readable lines), a file

Masking happens where records are made, not in one handler, so that no handler of
anybody (framework, test runner, a later one) ever holds a secret. `configure` replaces
only its own handlers and is safe to repeat.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import Any, NamedTuple, TextIO

from shared.logs.masking import mask, mask_recent, masked

__all__ = [
    "Options",
    "bind",
    "configure",
    "mask",
    "mask_recent",
    "masked",
    "request_id",
]

LOUD = ("urllib3", "google", "grpc", "apprise", "asyncio", "werkzeug", "FyersAPI")
"""Libraries that are heard from WARNING on: at INFO some of them print addresses."""

FILE_BYTES = 5_000_000
FILE_COUNT = 3

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_trace: ContextVar[str] = ContextVar("trace", default="")


class Options(NamedTuple):
    """Where logs go and from which level on."""

    level: str = "INFO"
    cloud: bool = False
    """stdout carries Cloud Logging's structured JSON."""
    cloud_level: str = ""
    file: str = ""
    file_level: str = ""
    project: str = ""
    """Google project of the traces."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Options:
        """Return the options; a platform that sets K_SERVICE wants the JSON form."""
        wanted = env.get("USE_CLOUD_LOGGING", "").strip().lower()
        return cls(
            level=env.get("LOG_LEVEL", "").strip() or "INFO",
            cloud=wanted in ("true", "1", "yes", "on")
            or (not wanted and bool(env.get("K_SERVICE"))),
            cloud_level=env.get("CLOUD_LOG_LEVEL", "").strip(),
            file=env.get("LOG_FILE", "").strip(),
            file_level=env.get("FILE_LOG_LEVEL", "").strip(),
            project=env.get("GOOGLE_CLOUD_PROJECT", "").strip(),
        )


def configure(options: Options) -> None:
    """Send every record where `options` say; nothing wrong in them stops a request."""
    faults: list[str] = []
    stdout = _Stdout()
    stdout.setLevel(
        _level(options.cloud_level if options.cloud else "", options, faults)
    )
    stdout.setFormatter(_Json(options.project) if options.cloud else _Readable())
    handlers: list[logging.Handler] = [stdout]
    if options.file:
        try:
            file = _File(
                options.file,
                maxBytes=FILE_BYTES,
                backupCount=FILE_COUNT,
                encoding="utf-8",
            )
        except OSError as error:
            faults.append(f"LOG_FILE cannot be written: {error.strerror}")
        else:
            file.setLevel(_level(options.file_level, options, faults))
            file.setFormatter(_Readable())
            handlers.append(file)
    _install(handlers)
    for fault in faults:
        logging.getLogger(__name__).warning("%s", fault)


def request_id() -> str:
    """Return the id of the request this thread serves, or an empty text."""
    return _request_id.get()


@contextmanager
def bind(request: str, trace: str = "") -> Iterator[None]:
    """Put a request's id and trace on every record made inside.

    Threads start without them: run a thread's work in `contextvars.copy_context()`.
    """
    tokens = _request_id.set(request), _trace.set(trace)
    try:
        yield
    finally:
        _request_id.reset(tokens[0])
        _trace.reset(tokens[1])


def _level(name: str, options: Options, faults: list[str]) -> int:
    text = (name or options.level).upper()
    level = logging.getLevelNamesMapping().get(text)
    if level is None:
        faults.append("a log level is none of DEBUG, INFO, WARNING, ERROR, CRITICAL")
        return logging.INFO
    return level


class _Stdout(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stdout` is at that moment: the framework redirects it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override] # looked up, never kept
        return sys.stdout


class _File(RotatingFileHandler):
    """Our own class, so that `configure` knows its handlers."""


class _Readable(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)-7s %(request_id)s %(name)s: %(message)s",
            defaults={"request_id": "-"},
        )


class _Json(logging.Formatter):
    """One object per line, as Cloud Logging's agents read stdout."""

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "severity": record.levelname,
            "message": super().format(record),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        if request := getattr(record, "request_id", ""):
            entry["request_id"] = request
        if (trace := getattr(record, "trace", "")) and self._project:
            entry["logging.googleapis.com/trace"] = (
                f"projects/{self._project}/traces/{trace}"
            )
        for name, value in getattr(record, "json_fields", {}).items():
            entry.setdefault(name, masked(value) if isinstance(value, str) else value)
        return json.dumps(entry, default=str)


_plain_factory = logging.getLogRecordFactory()


def _factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = _plain_factory(*args, **kwargs)
    try:
        text = record.getMessage()
    except Exception:  # a wrong format string must not lose the record
        text = f"{record.msg} {record.args!r}"
    record.msg, record.args = masked(text), ()
    if record.exc_info and record.exc_info[0] is not None:
        lines = "".join(traceback.format_exception(*record.exc_info))
        record.exc_text = masked(lines.rstrip("\n"))  # formatters take it as it is
    record.request_id = masked(_request_id.get()) or "-"
    record.trace = _trace.get()
    return record


def _install(handlers: list[logging.Handler]) -> None:
    logging.setLogRecordFactory(_factory)
    root = logging.getLogger()
    for old in root.handlers[:]:
        # Plain StreamHandlers are the framework's (LOG_EXECUTION_ID): every line twice.
        if isinstance(old, _Stdout | _File) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(min(handler.level for handler in handlers))
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        # LOG_EXECUTION_ID makes the framework disable every logger that exists.
        if name.startswith(("shared", "functions")) and isinstance(
            logger, logging.Logger
        ):
            logger.disabled = False
