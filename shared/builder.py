"""The alert builder: from picks to JSON ready to paste, and what it will do.

The choices are those of the live symbol snapshot, and the alert is read back by the
webhook's own parser before it is shown. It holds no secret: the owner puts it in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared import alerts
from shared.errors import BadRequest
from shared.models import (
    ALL,
    Action,
    Alert,
    Deadline,
    ExitWish,
    ExpiryWord,
    OptionType,
    RelativeStrike,
    Unit,
    Verb,
)
from shared.pricing import Percents, exits
from shared.symbols import Chain, Expiry, Symbols

PLACEHOLDER = "YOUR SECRET"

ACTIONS = {
    Verb.SELL: "SELL: open a short",
    Verb.BUY: "BUY: close a short",
    Verb.LONG: "LONG: open a long",
    Verb.EXIT: "EXIT: close what is open",
}
_WORDS = {
    ExpiryWord.WEEKLY: "WEEKLY: the nearest",
    ExpiryWord.NEXT_WEEKLY: "NEXT_WEEKLY: the one after",
    ExpiryWord.MONTHLY: "MONTHLY: the nearest monthly",
    ExpiryWord.NEXT_MONTHLY: "NEXT_MONTHLY: the one after",
}
_NEAR = (
    "ATM",
    *(f"ATM+{steps}" for steps in range(1, 6)),
    *(f"ATM-{steps}" for steps in range(1, 6)),
    *(f"OTM{steps}" for steps in range(1, 6)),
    *(f"ITM{steps}" for steps in range(1, 6)),
)
_NOMINAL = Decimal(100)
"""A price to try exits on; the true one is not known before the alert fires."""


@dataclass(frozen=True, slots=True)
class EntryRules:
    """The owner's settings that an entry follows."""

    percents: Percents
    attach_exits: bool
    max_lots: int


@dataclass(frozen=True, slots=True)
class Pick:
    """One pick list, or a field to type in where `options` is empty."""

    name: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    """(value, what is shown)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the builder shows; exactly one of `alert` and `problem` is there."""

    picks: tuple[Pick, ...]
    says: str = ""
    """What the alert will do, in one sentence."""
    alert: str = ""
    problem: str = ""


def draft(
    picked: Mapping[str, str],
    symbols: Symbols,
    rules: EntryRules,
    now: datetime,
    deadline: Deadline,
) -> Draft:
    """Return the alert of what was picked so far; raise `Unavailable`.

    What was not picked yet is one lot of NIFTY at the money, sold.
    """
    want = {
        "action": "SELL",
        "symbol": "NIFTY",
        "expiry": "WEEKLY",
        "strikeprice": "ATM",
        "optionType": "CE",
        "lots": "1",
        "slPercent": "",
        "tpPercent": "",
    }
    want |= {name: text.strip()[:40] for name, text in picked.items() if name in want}
    names = symbols.underlyings(deadline)
    try:
        chain = symbols.chain(want["symbol"], deadline)
    except BadRequest as problem:
        return Draft(_picks(want, names, None, now), problem=problem.message)
    picks = _picks(want, names, chain, now)
    body = _body(want)
    try:
        alert = _read_back(body, now)
        says = _says(alert, chain, rules, now)
    except BadRequest as problem:
        return Draft(picks, problem=problem.message)
    return Draft(picks, says, json.dumps(body, indent=2, ensure_ascii=False))


def _body(want: Mapping[str, str]) -> dict[str, str | int]:
    """Return the alert's fields; a close carries no size and no exits."""
    verb = want["action"].upper()
    names = ["action", "symbol", "strikeprice", "optionType", "expiry"]
    body: dict[str, str | int] = {"token": PLACEHOLDER}
    body |= {name: want[name] for name in names}
    if verb in (Verb.SELL, Verb.LONG):
        entry = ("lots", "slPercent", "tpPercent")
        body |= {name: _number(want[name]) for name in entry if want[name]}
    elif verb == Verb.BUY and want["lots"]:
        body["lots"] = _number(want["lots"])
    return body | {"time": "{{timenow}}"}


def _number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _read_back(body: Mapping[str, str | int], now: datetime) -> Alert:
    sent = json.dumps({**body, "time": now.isoformat()}).encode()
    return alerts.parse(alerts.read_body(sent), None, now, 0)


def _says(alert: Alert, chain: Chain, rules: EntryRules, now: datetime) -> str:
    if alert.expiry is None or alert.option_type is None:
        raise BadRequest("pick an expiry and a side")
    expiry = chain.expiry(alert.expiry, now)
    lot = _lot(alert, expiry, alert.option_type)
    what = (
        f"{alert.named} of {expiry.day:%a} {expiry.day.day} {expiry.day:%b}"
        f"{_counted(alert)}"
    )
    lots = alert.lots or 1
    size = f"{lots} lot{'s' if lots > 1 else ''} ({lots * lot})"
    match alert.verb:
        case Verb.EXIT:
            return f"Closes whatever is open in {what}, with its stop and target."
        case Verb.BUY:
            most = f"{size} of " if alert.lots else ""
            return f"Closes {most}the short of {what}, never more; it opens nothing."
        case _:
            if lots > rules.max_lots:
                raise BadRequest(
                    f"lots may be at most {rules.max_lots} (WEBHOOK_MAX_QTY)"
                )
            verb = "Sells" if alert.verb is Verb.SELL else "Buys"
            return f"{verb} {size} of {what}, {_exits(alert, rules)}."


def _lot(alert: Alert, expiry: Expiry, option_type: OptionType) -> int:
    """Return the contract's lot; that of any strike where the price decides which."""
    if isinstance(alert.strike, Decimal):
        return expiry.contract(alert.strike, option_type).lot
    strikes = expiry.strikes(option_type)
    if not strikes:
        raise BadRequest(f"no {option_type} is listed for {expiry.day}")
    return expiry.contract(strikes[len(strikes) // 2], option_type).lot


def _counted(alert: Alert) -> str:
    """Return what is decided only when the alert fires."""
    later = []
    if isinstance(alert.strike, RelativeStrike):
        later.append("the strike")
    if isinstance(alert.expiry, ExpiryWord):
        later.append("the expiry")
    return f" ({' and '.join(later)} as of when it fires)" if later else ""


def _exits(alert: Alert, rules: EntryRules) -> str:
    side = alert.side or Action.SELL
    exits(side, _NOMINAL, Decimal("0.05"), rules.percents, alert.sl, alert.tp)
    if not rules.attach_exits:
        return "without stop and target (ATTACH_EXITS is off)"
    stop = _percent(alert.sl, rules.percents.stop_loss)
    target = _percent(alert.tp, rules.percents.take_profit)
    up, down = ("above", "below") if side is Action.SELL else ("below", "above")
    return f"stop {stop} % {up}, target {target} % {down} the price"


def _percent(wish: ExitWish | None, default: Decimal) -> str:
    given = wish.value if wish and wish.unit is Unit.PERCENT else default
    return f"{given.normalize():f}"


def _picks(
    want: Mapping[str, str], names: tuple[str, ...], chain: Chain | None, now: datetime
) -> tuple[Pick, ...]:
    side = want["optionType"]
    strikes = [(word, word) for word in _NEAR]
    expiries = [(str(word), text) for word, text in _WORDS.items()]
    if chain is not None:
        alive = [one for one in chain.expiries if now <= one.expires_at]
        expiries += [(str(one.day), f"{one.day:%a %d %b %Y}") for one in alive]
        strikes += [(text, text) for text in _listed(chain, want["expiry"], side, now)]
    return (
        _pick(
            "action", "Action", want, [(str(v), text) for v, text in ACTIONS.items()]
        ),
        _pick("symbol", "Underlying", want, [(n, n) for n in names if n != ALL]),
        _pick("expiry", "Expiry", want, expiries),
        _pick("strikeprice", "Strike", want, strikes),
        _pick("optionType", "Side", want, [("CE", "CE: call"), ("PE", "PE: put")]),
        _pick("lots", "Lots", want, []),
        _pick("slPercent", "Stop, % of the price", want, []),
        _pick("tpPercent", "Target, % of the price", want, []),
    )


def _pick(
    name: str, label: str, want: Mapping[str, str], options: list[tuple[str, str]]
) -> Pick:
    """Return a list; a value that is no option (any more) stays visible in it."""
    value = want[name]
    if options and value not in (known for known, _ in options):
        options = [(value, f"{value} (not listed)"), *options]
    return Pick(name, label, value, tuple(options))


def _listed(chain: Chain, wanted: str, side: str, now: datetime) -> list[str]:
    try:
        probe = {"action": "EXIT", "symbol": "X", "expiry": wanted, "optionType": side}
        alert = alerts.parse(probe, None, now, 0)
        if alert.expiry is None or alert.option_type is None:
            return []
        expiry = chain.expiry(alert.expiry, now)
    except BadRequest:
        return []
    strikes = expiry.strikes(alert.option_type)
    return [f"{strike.normalize():f}" for strike in strikes]
