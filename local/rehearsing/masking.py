"""FYERS's raw replies without what names a person."""

from __future__ import annotations

import re
from decimal import Decimal

MASK = "***"

_PERSONAL = re.compile(
    r"client|user|person|account|holder|email|e_mail|mobile|phone|address|birth|dob"
    r"|demat|bank|token$|^pan|_pan$|^fy_?id$|(^|_)name$|aadha+r|secret|password",
    re.IGNORECASE,
)
_NOT = ("fyToken",)
"""FYERS's number of the instrument, although it is called a token."""

_IN_TEXT = (
    re.compile(r"\bC-\w+"),  # RED texts name the client
    re.compile(r"\b[A-Z]{5}\d{4}[A-Z]\b"),  # a PAN
    re.compile(r"\beyJ[\w.-]+"),  # what a JWT starts with
    re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
)


def masked(value: object, *known: str) -> object:
    """Return a value as JSON writes it, masked; `known` are texts never to be kept."""
    if isinstance(value, dict):
        return {
            key: MASK if _personal(key) and each else masked(each, *known)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [masked(each, *known) for each in value]
    if isinstance(value, Decimal):
        return float(value)
    return _without(value, known) if isinstance(value, str) else value


def _personal(key: str) -> bool:
    return key not in _NOT and bool(_PERSONAL.search(key))


def _without(text: str, known: tuple[str, ...]) -> str:
    for one in filter(None, known):
        text = re.sub(re.escape(one), MASK, text, flags=re.IGNORECASE)
    for pattern in _IN_TEXT:
        text = pattern.sub(MASK, text)
    return text
