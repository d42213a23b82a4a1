"""A loopback stand-in of the Google APIs that the real gcloud talks to.

gcloud reaches it as its HTTP proxy, with every endpoint overridden to plain http. It
keeps what is created, refuses a second create as Google does, records every request,
and can be told to fail. What it answers for each API is in `google_project`,
`google_stores` and `google_run`: the fields are those the real gcloud 528 insists on
(found by running it), and refusals carry the words it shows for them.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PROJECT = "demo"
AWKWARD = "demo-403"
"""The same project under an id that looks like a refusal."""
NUMBER = "123456789012"
REGION = "asia-south1"
ELSEWHERE = "asia-east1"
READS = (":getIamPolicy", "/entries:list", ":queryTestablePermissions", ":runQuery")

Json = dict[str, Any]
"""What these APIs speak; the stand-in is the edge, so it stays untyped."""


class RefusedError(Exception):
    """An answer other than 200, in Google's error form."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(status, reason, message)
        self.status = status
        self.body = {"error": {"code": status, "message": message, "status": reason}}


def not_found(what: str) -> RefusedError:
    """Return the refusal for something that was never made."""
    return RefusedError(404, "NOT_FOUND", f"The resource '{what}' was not found")


def already_there(what: str) -> RefusedError:
    """Return the refusal of a second create."""
    return RefusedError(409, "ALREADY_EXISTS", f"The resource '{what}' already exists")


def done(value: Json, kind: str) -> Json:
    """Return a long-running operation that has already ended."""
    typed = {"@type": f"type.googleapis.com/{kind}", **value}
    return {"name": "operations/done", "done": True, "response": typed}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a handler sees it: `parts` are the path's captured pieces."""

    method: str
    path: str
    query: dict[str, str]
    raw: bytes
    parts: tuple[str, ...] = ()
    authorization: str = ""

    @property
    def json(self) -> Json:
        """Return the body, parsed."""
        body: Json = json.loads(self.raw) if self.raw else {}
        return body

    @property
    def changes(self) -> bool:
        """Return whether it asks Google for a change of anything."""
        asks = self.method == "GET" or self.path.endswith(READS)
        return not asks and "googleapis.com" in self.path


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal for the next request with this method, piece of path, and body."""

    method: str
    path: str
    refusal: RefusedError
    body: bytes = b""
    times: int = 1

    def fits(self, request: Request) -> bool:
        """Return whether that request is to be refused."""
        return (
            self.method == request.method
            and self.path in request.path
            and self.body in request.raw
        )


Handler = Callable[["GoogleApis", Request], Json]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def answers(methods: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler for these methods (as in "GET POST") and this host/path."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(
            path.replace("{project}", f"(?:{PROJECT}|{AWKWARD}|{NUMBER})")
        )
        ROUTES.extend((method, pattern, handler) for method in methods.split())
        return handler

    return register


@dataclass
class GoogleApis:
    """One project: what was made, who may do what, and all that was asked."""

    made: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    enabled: set[str] = field(default_factory=set)
    jobs_run: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    revisions: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    heard: list[Json] = field(default_factory=list)

    def changes(self) -> list[str]:
        """Return every request that asked for a change, as `METHOD host/path`."""
        return [f"{r.method} {r.path}" for r in self.requests if r.changes]

    def create(self, name: str, value: Json) -> Json:
        """Keep something new; raise `RefusedError` if it is there."""
        if name in self.made:
            raise already_there(name)
        self.made[name] = value
        return value

    def get(self, name: str) -> Json:
        """Return what is kept under a name; raise `RefusedError` if nothing is."""
        if name not in self.made:
            raise not_found(name)
        return self.made[name]

    def listed(self, prefix: str) -> list[Json]:
        """Return everything kept under names with that beginning."""
        return [value for name, value in self.made.items() if name.startswith(prefix)]

    def grants(self, resource: str) -> set[tuple[str, str]]:
        """Return the (role, member) pairs given on a resource."""
        bindings = self.policies.get(resource, {}).get("bindings", [])
        return {(b["role"], member) for b in bindings for member in b["members"]}

    def answer(self, request: Request) -> tuple[int, Json]:
        """Return status and body for a request, and record it."""
        self.requests.append(request)
        try:
            self._fail_if_told(request)
            for method, pattern, handler in ROUTES:
                match = pattern.fullmatch(request.path)
                if match and method == request.method:
                    parts = tuple(part or "" for part in match.groups())
                    heard = Request(
                        request.method, request.path, request.query, request.raw, parts
                    )
                    return 200, handler(self, heard)
        except RefusedError as refusal:
            return refusal.status, refusal.body
        self.unknown.append(f"{request.method} {request.path}")
        return 404, not_found(request.path).body

    def _fail_if_told(self, request: Request) -> None:
        for failure in self.failures:
            if failure.fits(request):
                self.failures.remove(failure)
                if failure.times > 1:
                    again = replace(failure, times=failure.times - 1)
                    self.failures.append(again)
                raise failure.refusal


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    google: GoogleApis

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the requests are recorded."""

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        status, body = self.google.answer(
            Request(
                self.command,
                (url.hostname or "") + unquote(url.path),
                dict(parse_qsl(url.query)),
                self._body(),
                authorization=self.headers.get("Authorization", ""),
            )
        )
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_CONNECT(self) -> None:
        """Refuse what would leave the machine; the tests look for it."""
        self.google.unknown.append(f"CONNECT {self.path}")
        self.send_error(403)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    # http.server looks its methods up by these names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815


@contextmanager
def serve(google: GoogleApis) -> Iterator[str]:
    """Serve the stand-in on a free port; yield its address for use as a proxy."""
    handler = type("Proxy", (_Proxy,), {"google": google})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
