"""HTTP at the edge: one decorator turns a function into an endpoint.

A handler takes the request and returns a `Reply` or raises a `Problem`; everything
around that (method, request id, errors, headers, the line in the log) is here, once.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from http import HTTPStatus

# perf_counter is monotonic and here measures how long this process took, nothing else;
# what time it is stays the business of wiring's clock.
from time import perf_counter
from typing import Protocol
from urllib.parse import quote

from flask import Request, Response, current_app, has_app_context

from shared import logs
from shared.errors import (
    MethodNotAllowed,
    Misconfigured,
    NotFound,
    Problem,
    Unavailable,
    failure_body,
)
from shared.web.bodies import body_of, guard

__all__ = [
    "Page",
    "Reply",
    "Request",
    "arrival",
    "endpoint",
    "html_reply",
    "json_reply",
    "read_body",
    "redirect",
    "wants_html",
]

_log = logging.getLogger(__name__)

BODY_LIMIT = 65_536
_ARRIVAL = "shared.web.arrival"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLOUD_TRACE = re.compile(r"([0-9a-fA-F]{32})(?:/|$)")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""On every reply: addresses here carry codes, and no answer is worth keeping."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, before the headers every answer gets."""

    status: int
    body: str | bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


class Page(Protocol):
    """HTML and the content security policy it was written for."""

    @property
    def html(self) -> str:
        """Return the whole document."""

    @property
    def policy(self) -> str:
        """Return the Content-Security-Policy header's value."""


FailurePage = Callable[[Problem, str], Page]
"""Makes the page of a problem and the request's id."""

Handler = Callable[[Request], Reply]
View = Callable[[Request], Response]


def endpoint(
    *methods: str, page: FailurePage | None = None, head: bool = True
) -> Callable[[Handler], View]:
    """Serve `methods` with a handler; HEAD is served like GET unless `head` is off.

    `page` shows failures of a GET to browsers; everybody else gets JSON.
    """
    allowed = (*methods, "HEAD") if head and "GET" in methods else methods

    def decorate(handler: Handler) -> View:
        if has_app_context():  # the framework loads a main.py inside its app's
            guard(current_app)

        @wraps(handler)
        def view(request: Request) -> Response:
            started = perf_counter()
            request.environ[_ARRIVAL] = started
            trace = _trace(request)
            request_id = _request_id(request, trace)
            with logs.bind(request_id, trace):
                try:
                    if request.path not in ("", "/"):
                        raise NotFound("nothing is served under this path")
                    if request.method not in allowed:
                        raise MethodNotAllowed(f"use {' or '.join(methods)}")
                    reply, code = handler(request), ""
                except Exception as error:  # the edge: nothing may leave as a crash
                    reply, code = _failed(request, error, request_id, allowed, page)
                _log_end(request, reply.status, code, perf_counter() - started)
            return _response(reply, request_id)

        return view

    return decorate


def arrival(request: Request) -> float:
    """Return when the request arrived, on the clock of `time.perf_counter`."""
    arrived: float = request.environ[_ARRIVAL]
    return arrived


def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """Return the body; raises what `bodies.Body.take` does."""
    return body_of(request).take(limit)


def json_reply(status: int, content: Mapping[str, object]) -> Reply:
    """Return `content` as JSON."""
    return Reply(status, json.dumps(content))


def html_reply(status: int, page: Page) -> Reply:
    """Return a page under its own content security policy."""
    headers = (("Content-Security-Policy", page.policy), ("X-Frame-Options", "DENY"))
    return Reply(status, page.html, headers, "text/html; charset=utf-8")


def redirect(
    address: str, *headers: tuple[str, str], status: HTTPStatus = HTTPStatus.FOUND
) -> Reply:
    """Send a browser to another address, once."""
    moved = ("Location", address), *headers
    return Reply(status, "", moved, "text/plain; charset=utf-8")


def wants_html(request: Request) -> bool:
    """Return whether the caller is a browser that will show a page."""
    return "text/html" in request.headers.get("Accept", "")


def _trace(request: Request) -> str:
    if found := _CLOUD_TRACE.match(request.headers.get("X-Cloud-Trace-Context", "")):
        return found[1]
    if found := _TRACEPARENT.fullmatch(request.headers.get("traceparent", "")):
        return found[1]
    return ""


def _request_id(request: Request, trace: str) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _SANE_ID.fullmatch(given) else trace or uuid.uuid4().hex


def _problem(error: Exception) -> Problem:
    """Return what a caller may know of an error."""
    if isinstance(error, Misconfigured):
        _log.error("misconfigured: %s", "; ".join(error.problems))
    if isinstance(error, Problem):
        return error
    _log.error("unforeseen %s", type(error).__name__, exc_info=error)
    return Unavailable("something unforeseen went wrong")


def _failed(
    request: Request,
    error: Exception,
    request_id: str,
    allowed: tuple[str, ...],
    page: FailurePage | None,
) -> tuple[Reply, str]:
    """Return the reply to an error, and its code."""
    problem = _problem(error)
    if page is not None and request.method != "POST" and wants_html(request):
        reply = html_reply(problem.status, page(problem, request_id))
    else:
        body = failure_body(problem.message, problem.code, request_id)
        reply = json_reply(problem.status, body)
    if isinstance(problem, MethodNotAllowed):
        allow = (("Allow", ", ".join(allowed)),)
        reply = replace(reply, headers=reply.headers + allow)
    return reply, problem.code


def _log_end(request: Request, status: int, code: str, seconds: float) -> None:
    # The path only: a query may carry an auth code, and a path may carry anything.
    # Locally one port serves every function, each below its own name.
    path = quote(request.script_root + request.path)[:200]
    said = f"{status} {code}" if code else str(status)
    _log.info(
        "%s %s %s in %.0f ms",
        request.method,
        path,
        said,
        seconds * 1000,
        extra={
            "json_fields": {
                "httpRequest": {
                    "requestMethod": request.method,
                    "requestUrl": path,
                    "status": status,
                    "latency": f"{seconds:.6f}s",
                }
            }
        },
    )


def _response(reply: Reply, request_id: str) -> Response:
    response = Response(reply.body, reply.status, content_type=reply.content_type)
    for name, value in (*HEADERS, *reply.headers, ("X-Request-Id", request_id)):
        response.headers[name] = value
    return response
