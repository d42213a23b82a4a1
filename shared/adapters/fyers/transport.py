"""The one way out to FYERS: the SDK's session, bounded, watched and kept silent.

The SDK answers every failure with one shared, mutable dict, so what it returns is never
looked at. The adapter mounted on its session records each exchange per thread, and
`ask` hands out that record.
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
from urllib3.exceptions import HTTPError

from shared.adapters.deadline_http import DeadlineAdapter, until
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

    The token is no part of the model: the adapter writes it into each request, so a
    change of token cannot race with a call under way.
    """

    def __init__(self, app_id: str, base_url: str, now: Callable[[], float]) -> None:
        self.sdk = load_sdk()
        self.sdk.Config.API = base_url + "/api/v3"
        self.sdk.Config.DATA_API = base_url + "/data"
        self._app_id = app_id
        self._base_url = base_url
        self._now = now
        self._adapter = _Recorder()
        with tempfile.TemporaryDirectory() as folder:
            # The constructor opens two log files; `_Silent` closes them at once.
            self._model = self.sdk.FyersModel(client_id=app_id, log_path=folder)
        session = self._model.service.session
        session.trust_env = False  # a .netrc entry would replace our Authorization
        session.max_redirects = 0  # a 307 would POST the order again
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)

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
        session = self._model.service.session
        url = self.sdk.Config.API + path
        return self._watched(lambda: session.post(url, json=body), "", deadline)

    def open(self, connections: int = 2, seconds: float = 2.0) -> None:
        """Connect idle connections of the pool; no request is made.

        Raises `requests.ConnectionError` if that fails.
        """
        with until(Deadline(self._now() + seconds, self._now)):
            self._adapter.connect(self._base_url, connections)

    def _watched(
        self, call: Callable[[], object], authorization: str, deadline: Deadline
    ) -> Record:
        seen = self._adapter.seen
        seen.authorization = authorization
        # Until the adapter says better, anything may have happened.
        seen.record = Failed(None)
        with until(deadline), suppress(Exception):
            call()
        # Not kept: a failure's traceback holds the frames of its call.
        record, seen.record = seen.record, Failed(None)
        return record


class _Seen(threading.local):
    authorization = ""
    record: Record = Failed(None)


class _Recorder(DeadlineAdapter):
    """Writes the token into each request and records how each exchange ended."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)  # never blocks, never retries
        self.seen = _Seen()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        if self.seen.authorization:
            request.headers["Authorization"] = self.seen.authorization
        try:
            response = super().send(request, *args, **kwargs)
        except BaseException as error:
            self.seen.record = Failed(error)
            raise
        self.seen.record = Answered(
            response.status_code, response.content, response.headers
        )
        return response

    def connect(self, url: str, count: int) -> None:
        """Connect up to `count` pooled connections and put them back."""
        pool: Any = self.get_connection(url)
        # requests sets the certificates per request; connections copy them when made.
        self.cert_verify(pool, url, verify=True, cert=None)  # type: ignore[no-untyped-call]  # untyped in the stubs
        taken: list[Any] = []
        try:
            for _ in range(count):
                taken.append(pool._get_conn())
                if not taken[-1].is_connected:
                    taken[-1].connect()
        except (HTTPError, OSError) as error:
            taken.pop().close()
            raise requests.ConnectionError(error) from error
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
