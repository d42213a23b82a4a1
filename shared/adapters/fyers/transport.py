"""The one way out to FYERS: the SDK's session, bounded, watched and kept silent.

The SDK answers every failure with one shared, mutable dict, so what it returns is never
looked at. The line in its session's place records each exchange per thread, and `ask`
hands out that record. A call over the line takes 0.4 ms of processor where one through
a `requests.Session` takes 1.0 (measured), of which an order's way has three.
"""

from __future__ import annotations

import builtins
import importlib.util
import json
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import ModuleType
from typing import Any

import requests
from requests.utils import default_headers
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from shared.adapters.deadline_http import Pool, pool, time_left, until
from shared.models import Deadline, Secret

CONNECTIONS = 32
"""Kept open at most: 16 alerts at once, two calls each."""


@dataclass(frozen=True)
class Answered:
    """FYERS, or something in front of it, sent a whole reply."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def json(self) -> object:
        """Return the body as JSON with exact decimals, NaN included, or None.

        Parsed at most once, whoever asks.
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=Decimal)
        except (ValueError, ArithmeticError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Failed:
    """No whole reply; only the exception says how far the call came."""

    error: BaseException | None


Record = Answered | Failed


class Transport:
    """The SDK's model over one pool of connections; safe from several threads.

    The token is no part of the model: the line writes it into each request, so a
    change of token cannot race with a call under way.
    """

    def __init__(self, app_id: str, base_url: str, now: Callable[[], float]) -> None:
        self.sdk = load_sdk()
        self.sdk.Config.API = base_url + "/api/v3"
        self.sdk.Config.DATA_API = base_url + "/data"
        self._app_id = app_id
        self._now = now
        self._line = _Line(base_url)
        with tempfile.TemporaryDirectory() as folder:
            # The constructor opens two log files; `_Silent` closes them at once.
            self._model = self.sdk.FyersModel(client_id=app_id, log_path=folder)
        self._model.service.session = self._line

    def ask(
        self, call: Callable[[Any], object], access: Secret, deadline: Deadline
    ) -> Record:
        """Make one call of the SDK's model; raises nothing."""
        return self._watched(
            lambda: call(self._model),
            f"{self._app_id}:{access.open()}",
            deadline,
        )

    def post(self, path: str, body: Mapping[str, str], deadline: Deadline) -> Record:
        """POST JSON without a token: the login steps, which the SDK cannot bound."""
        url, headers = self.sdk.Config.API + path, {"Content-Type": "application/json"}
        text = json.dumps(body)
        return self._watched(lambda: self._line.post(url, text, headers), "", deadline)

    def open(self, connections: int = 2, seconds: float = 2.0) -> None:
        """Connect idle connections of the pool; no request is made.

        Raises urllib3's `HTTPError` or `OSError` if that fails.
        """
        with until(Deadline(self._now() + seconds, self._now)):
            self._line.connect(connections)

    def _watched(
        self, call: Callable[[], object], authorization: str, deadline: Deadline
    ) -> Record:
        seen = self._line.seen
        seen.authorization = authorization
        # Until the line says better, anything may have happened.
        seen.record = Failed(None)
        with until(deadline), suppress(Exception):
            call()
        # Not kept: a failure's traceback holds the frames of its call.
        record, seen.record = seen.record, Failed(None)
        return record


class _Seen(threading.local):
    authorization = ""
    record: Record = Failed(None)


class _Heard:
    """What the SDK gets of every reply: nobody looks at what it makes of it."""

    status_code = 0

    def json(self) -> None:
        """Return nothing."""

    def raise_for_status(self) -> None:
        """Raise nothing."""


_HEARD = _Heard()
_ONCE = Retry(0, read=False)


class _Line:
    """In place of the SDK's session: one exchange a call, with the token, recorded.

    No proxy, no .netrc, no redirect (a 307 would POST the order again) and no retry.
    """

    def __init__(self, base_url: str) -> None:
        self._pool: Pool = pool(base_url, CONNECTIONS)  # never blocks
        self._origin = base_url
        # FYERS sees what the SDK's own session would say of itself.
        self._headers = dict(default_headers())
        self.seen = _Seen()

    def get(self, url: str, headers: Mapping[str, str]) -> _Heard:
        """Send a GET."""
        return self._send("GET", url, None, headers)

    def post(self, url: str, data: str, headers: Mapping[str, str]) -> _Heard:
        """Send a POST."""
        return self._send("POST", url, data, headers)

    def patch(self, url: str, data: str, headers: Mapping[str, str]) -> _Heard:
        """Send a PATCH."""
        return self._send("PATCH", url, data, headers)

    def delete(self, url: str, data: str, headers: Mapping[str, str]) -> _Heard:
        """Send a DELETE."""
        return self._send("DELETE", url, data, headers)

    def _send(
        self, method: str, url: str, body: str | None, headers: Mapping[str, str]
    ) -> _Heard:
        sent = {**self._headers, **headers}
        if self.seen.authorization:
            sent["Authorization"] = self.seen.authorization
        try:
            reply = self._pool.urlopen(
                method,
                url.removeprefix(self._origin),
                body,
                sent,
                retries=_ONCE,
                redirect=False,
                assert_same_host=False,
                timeout=time_left(),
            )
        except MaxRetryError as error:  # as `requests` says it
            self.seen.record = Failed(requests.ConnectionError(error))
            raise
        except BaseException as error:
            self.seen.record = Failed(error)
            raise
        self.seen.record = Answered(reply.status, reply.data, reply.headers)
        return _HEARD

    def connect(self, count: int) -> None:
        """Connect up to `count` pooled connections and put them back."""
        pool: Any = self._pool
        taken: list[Any] = []
        try:
            for _ in range(count):
                taken.append(pool._get_conn())
                if not taken[-1].is_connected:
                    taken[-1].connect()
        except (HTTPError, OSError):
            taken.pop().close()
            raise
        finally:
            for connection in taken:
                pool._put_conn(connection)


class _Silent:
    """The SDK's logger without its log: bodies and FYERS's texts stay out of files."""

    def __init__(self, *_: object, logger_handler: Any, **__: object) -> None:
        logger_handler.close()

    def debug(self, *_: object, **__: object) -> None:
        pass

    error = debug


def load_sdk() -> Any:
    """Return a private copy of `fyers_apiv3.fyersModel`, in about half the time.

    The SDK imports aiohttp and aws_lambda_powertools only for its async calls and its
    log, 80 ms of every cold start. The copy's own `__import__` hands it stand-ins for
    the two; `sys.modules` is never touched, so nobody else can meet them. Being a copy,
    its `Config` (the base URLs) is not shared with anybody either. To drop this, import
    `fyers_apiv3.fyersModel` and silence the loggers "FyersAPI" and "FyersAPIRequest".
    """
    log = ModuleType("fyers_logger")
    log.FyersLogger = _Silent  # type: ignore[attr-defined]  # made here
    instead = {"fyers_apiv3.fyers_logger": log, "aiohttp": ModuleType("aiohttp")}

    def narrow(name: str, *args: Any, **kwargs: Any) -> ModuleType:
        return instead.get(name) or builtins.__import__(name, *args, **kwargs)

    spec = importlib.util.find_spec("fyers_apiv3.fyersModel")
    if spec is None or spec.loader is None:
        raise ImportError("fyers_apiv3 is not installed")
    sdk = importlib.util.module_from_spec(spec)
    vars(sdk)["__builtins__"] = {**vars(builtins), "__import__": narrow}
    spec.loader.exec_module(sdk)
    return sdk
