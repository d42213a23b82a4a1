"""Requests and replies as the simulator sees them, and FYERS's envelopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

Payload = dict[str, object]
Headers = tuple[tuple[str, str], ...]

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, its query decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def parse(
        cls, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Request:
        """Return the request for a target such as `/data/quotes?symbols=…`."""
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        first = {name: values[0] for name, values in query.items()}
        return cls(method, parts.path, first, headers, body)

    def form(self) -> dict[str, str]:
        """Return the body of a posted HTML form."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}

    def payload(self) -> Payload:
        """Return the body's JSON object; raise `Refused` (-50) for anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refused(400, -50, "Invalid input")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Headers = ()


@dataclass(eq=False)
class Refused(Exception):
    """An error reply: HTTP status, FYERS code and wording."""

    status: int
    code: int
    message: str
    extra: Payload = field(default_factory=dict)
    headers: Headers = ()

    def reply(self) -> Reply:
        """Return FYERS's error envelope."""
        body = {"code": self.code, "message": self.message, "s": "error", **self.extra}
        return Reply(self.status, encode(body), headers=self.headers)


def encode(value: object) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def ok(code: int = 200, message: str = "", **payload: object) -> Reply:
    """Return FYERS's success envelope."""
    body = {"s": "ok", "code": code, "message": message, **payload}
    return Reply(200, encode(body))


def page(html: str, status: int = 200) -> Reply:
    """Return an HTML page."""
    return Reply(status, html.encode(), HTML)


def redirect(address: str) -> Reply:
    """Return a 302 to an address."""
    return Reply(302, b"", HTML, (("Location", address), ("Cache-Control", "no-store")))
