"""What must never be shown: known secrets, and whatever is shaped like one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from threading import Lock
from urllib.parse import quote, quote_plus


def mask(*values: str) -> None:
    """Never show these values again, in their URL and JSON spellings neither.

    For what the owner configured: a caller must not choose what logs leave out.
    """
    _masks.add(values)


def mask_recent(*values: str) -> None:
    """Do the same for the newest `RECENT` values only: tokens come and go."""
    _masks.add(values, recent=True)


def masked(text: str) -> str:
    """Return `text` without known secrets and without anything shaped like one."""
    return _masks.apply(text)


# Shapes of secrets nobody registered: a token FYERS has just given, a caller's own.
_NAME = (
    r"(?:auth_code|access_token|refresh_token|id_token|token|authorization|pin"
    r"|secret|appIdHash|code_verifier|code_challenge|password)"
)
_SHAPES = (
    (re.compile(r"\b([A-Z0-9]{4,}-\d{2,3}):[^\s\"',}]+"), r"\1:***"),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}"), "***"),
    (re.compile(r"\b(Bearer)\s+[^\s\"',}]+", re.I), r"\1 ***"),
    (re.compile(rf"(?<![A-Za-z0-9])({_NAME})=[^&\s\"'<>]+", re.I), r"\1=***"),
    (
        re.compile(
            rf"(\\*[\"']{_NAME}\\*[\"']\s*:\s*)"
            r"(?:b?(\\*\")(?:\\.|[^\"\\])*|b?(\\*')(?:\\.|[^'\\])*|[\w.+-]+)",
            re.I,
        ),
        r"\1\2\3***",
    ),
)
_SHORTEST = 4
"""What is shorter is no secret and would punch holes into every line."""

_SHORT = 8
"""A value below this length (a PIN) is masked only where it stands by itself."""


RECENT = 16
"""Values kept at least for two days of tokens: an instance sees two a login."""


class _Masks:
    """Known secrets as one pattern, longest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lasting: dict[str, None] = {}
        self._recent: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, values: tuple[str, ...], *, recent: bool = False) -> None:
        secrets = [value for value in values if len(value) >= _SHORTEST]
        with self._lock:
            kept = self._recent if recent else self._lasting
            known = all(value in kept for value in secrets)
            for value in secrets:
                kept.pop(value, None)
                kept[value] = None
            if known:
                return
            while len(self._recent) > RECENT:
                del self._recent[next(iter(self._recent))]
            self._pattern = _pattern({**self._lasting, **self._recent})

    def apply(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub("***", text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text


_masks = _Masks()


def _pattern(secrets: Iterable[str]) -> re.Pattern[str]:
    spelled = {form for value in secrets for form in _spellings(value)}
    longest_first = sorted(spelled, key=len, reverse=True)
    return re.compile("|".join(map(_alternative, longest_first)))


def _spellings(value: str) -> set[str]:
    return {
        value,
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
    }


def _alternative(value: str) -> str:
    literal = re.escape(value)
    return rf"(?<!\w){literal}(?!\w)" if len(value) < _SHORT else literal
