"""The fields of an alert by name: one table, and what a strange name may have meant.

For an entry a name that is not in the table is an error: an order on defaults instead
of the sender's own words is worse than none. A close goes on without it, except that a
field of its contract is understood in any spelling of case and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from shared.errors import BadRequest

ALIASES: Mapping[str, tuple[str, ...]] = {
    "token": (),
    "action": (),
    "symbol": (),
    "strikeprice": ("strike", "strike_price"),
    "optionType": ("option_type",),
    "expiry": ("expiry_date",),
    "qty": ("quantity",),
    "lots": (),
    "productType": ("product", "product_type"),
    "orderType": (),
    "sl": (),
    "tp": (),
    "slPercent": (),
    "tpPercent": (),
    "slPoints": (),
    "tpPoints": (),
    "strategy": (),
    "comment": (),
    "paper": (),
    "time": (),
    "idempotency_key": (),
}
"""Every field, with the other names it may have."""

CONTRACT = frozenset({"action", "symbol", "strikeprice", "optionType", "expiry"})
"""What says which contract a close means: never passed over."""

_FIELD = {name: name for name in ALIASES} | {
    alias: name for name, aliases in ALIASES.items() for alias in aliases
}

_ELSEWHERE = {
    "stop": "sl",
    "stoploss": "sl",
    "slprice": "sl",
    "target": "tp",
    "takeprofit": "tp",
    "tpprice": "tp",
    "dryrun": "paper",
    "test": "paper",
    "side": "action",
    "transactiontype": "action",
    "ticker": "symbol",
    "secret": "token",
    "passphrase": "token",
    "timestamp": "time",
    "key": "idempotency_key",
}
"""Names from other bridges, folded, and the field they mean here."""

_LONGEST = 40
"""Characters of a strange name that are repeated to its sender."""


class Given(NamedTuple):
    """A value and the name it came under."""

    name: str
    value: object


class Sorted(NamedTuple):
    """The fields by their own names, and what a close does without."""

    given: Mapping[str, Given]
    ignored: tuple[str, ...]


def action(fields: Mapping[str, object]) -> Given | None:
    """Return the action, in any spelling of its name, or None."""
    for name in ("action", *fields):
        if name in fields and _near(name) == "action":
            return Given(name, fields[name])
    return None


def sort_out(fields: Mapping[str, object], *, strict: bool) -> Sorted:
    """Return what the fields mean by name.

    With `strict` a strange or repeated name raises `BadRequest`. Otherwise a field that
    is there with two different values has both, as a tuple.
    """
    given: dict[str, Given] = {}
    problems: list[str] = []
    for name in (name for name in fields if name in _FIELD):
        found = Given(name, fields[name])
        known = given.setdefault(_FIELD[name], found)
        if known is not found:
            problems.append(f"{known.name} and {name} are the same field; give one")
            if known.value != found.value:
                given[_FIELD[name]] = Given(known.name, (known.value, found.value))
    for name in (name for name in fields if name not in _FIELD):
        problems.append(_strange(name, fields))
        if (field := _near(name)) in CONTRACT:
            given.setdefault(field, Given(name, fields[name]))
    if problems and strict:
        raise BadRequest(problems[0])
    return Sorted(given, tuple(problems))


def _strange(name: str, fields: Mapping[str, object]) -> str:
    token = fields.get("token")
    if isinstance(token, str) and token and token in name:
        return "a name that holds the token is not a field of an alert"
    shown = name[:_LONGEST]
    if _folded(name) in ("price", "limitprice"):
        return f"{shown} is not a field of an alert: every order goes at the market"
    meant = _near(name) or _ELSEWHERE.get(_folded(name)) or _similar(name)
    if meant:
        return f"{shown} is not a field of an alert; did you mean {meant}?"
    return f"{shown} is not a field of an alert; they are {', '.join(ALIASES)}"


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_FOLDED = {_folded(name): field for name, field in _FIELD.items()}


def _near(name: str) -> str:
    """Return the field whose name differs in case or underscores only, or empty."""
    return _FOLDED.get(_folded(name), "")


def _similar(name: str) -> str:
    """Return the field with the most similar name, or empty where none is."""
    import difflib  # only a refusal needs it; an instance's first alert does not wait

    close = difflib.get_close_matches(_folded(name)[:_LONGEST], _FOLDED, 1, 0.6)
    return _FOLDED[close[0]] if close else ""
