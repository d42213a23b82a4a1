"""The body as a whole: JSON, the secret in it, and what it is remembered by."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from shared.errors import BadRequest, Unauthorized
from shared.models import Alert, Secret, Verb

Value = object
"""A JSON value as parsed: numbers are `int` or `Decimal`, never float. A tuple stands
for a name that is there twice with different values."""


def read_body(body: bytes) -> Mapping[str, Value]:
    """Return the JSON object in `body`, whatever its content type said."""
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=Decimal,
            object_pairs_hook=_object,
        )
    except (ValueError, InvalidOperation, RecursionError):
        raise BadRequest("the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object")
    return value


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    """Return the object; JSON itself would let the last of two equal names win."""
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found and (type(found[name]), found[name]) != (type(value), value):
            value = (found[name], value)
        found[name] = value
    return found


def authenticate(fields: Mapping[str, Value], *secrets: Secret) -> bool:
    """Return whether the field `token` is one of the later, old secrets.

    Raises `Unauthorized` where it is none of them. Compared as bytes in constant time:
    `compare_digest` refuses non-ASCII text. An empty secret matches nothing.
    """
    token = fields.get("token")
    given = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else b""
    matches = [
        bool(secret) & hmac.compare_digest(given, secret.open().encode())
        for secret in secrets
    ]
    if not any(matches):
        raise Unauthorized("the token is missing or wrong")
    return not matches[0]


def holds_secret(body: bytes, secrets: Iterable[Secret]) -> bool:
    """Return whether bytes that are no alert were meant to be one by their sender.

    An empty plot or a stray quote breaks the JSON around a secret that is right.
    """
    return any(
        text.encode() in body
        for secret in secrets
        if secret
        for text in (secret.open(), json.dumps(secret.open())[1:-1])
    )


def fingerprint(fields: Mapping[str, Value]) -> str:
    """Return SHA-256 of the fields without `token`, whatever their order."""
    text = json.dumps(
        {name: value for name, value in fields.items() if name != "token"},
        sort_keys=True,
        separators=(",", ":"),
        default=lambda number: f"number {number}",
    )
    return hashlib.sha256(text.encode()).hexdigest()


def words(fields: Mapping[str, Value]) -> str:
    """Return what a body that is no alert seems to mean, for people; never its text.

    Only words of the alert's own language are repeated.
    """
    verb = fields.get("action")
    known = {str(name) for name in Verb}
    text = str(verb).strip().upper() if isinstance(verb, str) else ""
    symbol = fields.get("symbol")
    name = symbol.strip().upper() if isinstance(symbol, str) else ""
    safe = name if name.isascii() and name.replace("&", "").isalnum() else ""
    return " ".join(("an alert", text if text in known else "", safe[:20])).strip()


def document_id(alert: Alert) -> str:
    """Return the claim's id: SHA-256 of the key, or the fingerprint without one."""
    if alert.key is None:
        return alert.fingerprint
    return hashlib.sha256(alert.key.encode("utf-8", "surrogatepass")).hexdigest()
