"""From the fields to the alert they mean.

Entries are strict: whatever is not understood is refused. Nothing but its contract
decides whether a close runs, so there everything else that is not understood is noted
in `ignored`, for the owner, and done without.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from shared.alerts import names, values
from shared.alerts.body import Value, fingerprint
from shared.errors import BadRequest
from shared.models import (
    ALL,
    Alert,
    ExitWish,
    OptionType,
    RelativeStrike,
    Strike,
    Unit,
    Verb,
    WantedExpiry,
)

_T = TypeVar("_T")

AHEAD = timedelta(seconds=60)
"""How far the sender's clock may be ahead of ours."""

_STRATEGY, _COMMENT = 40, 1_000
"""Characters."""

_EXITS = {
    "sl": {"sl": Unit.LEVEL, "slPercent": Unit.PERCENT, "slPoints": Unit.POINTS},
    "tp": {"tp": Unit.LEVEL, "tpPercent": Unit.PERCENT, "tpPoints": Unit.POINTS},
}


def parse(
    fields: Mapping[str, Value], header_key: str | None, now: datetime, max_age: int
) -> Alert:
    """Return the alert; raise `BadRequest` naming the first field that is wrong.

    `max_age` is in seconds, 0 accepts any age.
    """
    try:
        mark = fingerprint(fields)
        read = _begin(fields)
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    verb = read.verb
    contract = _contract(read)
    qty, lots = _size(read)
    product = read.optional("productType", values.product)
    read.optional("orderType", values.market)
    sl, tp = _exit(read, "sl"), _exit(read, "tp")
    paper = bool(read.optional("paper", values.flag))
    strategy = read.optional("strategy", values.note(_STRATEGY)) or ""
    comment = read.optional("comment", values.note(_COMMENT)) or ""
    key = _key(read, header_key)
    time = _time(read, now, max_age)
    closes_whole = verb in (Verb.EXIT, Verb.PAUSE)
    return Alert(
        verb=verb,
        symbol=contract.symbol,
        exchange=contract.exchange,
        strike=contract.strike,
        option_type=contract.option_type,
        expiry=contract.expiry,
        qty=qty,
        lots=lots,
        product=product,
        sl=None if closes_whole else sl,
        tp=None if closes_whole else tp,
        strategy=strategy,
        comment=comment,
        paper=paper,
        time=time,
        ignored=tuple(read.ignored),
        key=key,
        fingerprint=mark,
    )


class _Fields:
    """The fields of one alert, read one by one."""

    def __init__(self, verb: Verb, found: names.Sorted) -> None:
        self.verb = verb
        self.ignored = list(found.ignored)
        self._given = found.given

    def need(self, name: str, read: values.Reader[_T]) -> _T:
        """Return a value that must be there."""
        found = self.contract(name, read)
        if found is None:
            raise BadRequest(f"{name} is missing or empty")
        return found

    def contract(self, name: str, read: values.Reader[_T]) -> _T | None:
        """Return a value that no alert is understood without, if it is there."""
        given = self._given.get(name)
        if given is None or given.value is None:
            return None
        return _read(given, read)

    def optional(self, name: str, read: values.Reader[_T]) -> _T | None:
        """Return a value, None where it is absent or a close does without it."""
        try:
            return self.contract(name, read)
        except BadRequest as problem:
            self.unclear(problem)
            return None

    def unclear(self, problem: BadRequest) -> None:
        """Refuse an entry; note for a close what it does without."""
        if self.verb.entry:
            raise problem
        self.ignored.append(problem.message)


def _begin(fields: Mapping[str, Value]) -> _Fields:
    action = names.action(fields)
    if action is None or action.value is None:
        raise BadRequest("action is missing or empty")
    verb = _read(action, values.verb)
    if verb.entry:
        for name, value in fields.items():
            if name != "token":
                _refuse_placeholder(name, value)
    return _Fields(verb, names.sort_out(fields, strict=verb.entry))


def _read(given: names.Given, read: values.Reader[_T]) -> _T:
    if isinstance(given.value, tuple):
        raise BadRequest(f"{given.name} is given twice, with different values")
    _refuse_placeholder(given.name, given.value)
    return read(given.value, given.name)


def _refuse_placeholder(name: str, value: object) -> None:
    if "{{" in f"{name} {value}":
        raise BadRequest(f"{name[:40]} still holds a placeholder: {{{{…}}}}")


class _Contract(NamedTuple):
    symbol: str
    exchange: str = ""
    strike: Strike | None = None
    option_type: OptionType | None = None
    expiry: WantedExpiry | None = None


def _contract(read: _Fields) -> _Contract:
    if read.verb is Verb.PAUSE:
        return _Contract("")
    symbol = read.need("symbol", values.symbol)
    strike: Strike | None = _part(read, "strikeprice", values.strike, symbol.strike)
    expiry: WantedExpiry | None = _part(read, "expiry", values.expiry, symbol.expiry)
    contract = _Contract(
        symbol=symbol.underlying,
        exchange=symbol.exchange,
        strike=strike,
        option_type=_part(read, "optionType", values.option_type, symbol.option_type),
        expiry=expiry,
    )
    if contract.symbol == ALL and (read.verb is not Verb.EXIT or contract.exchange):
        raise BadRequest("symbol may be ALL only in an EXIT, without an exchange")
    if isinstance(contract.strike, RelativeStrike):
        _check_relative(contract)
    return contract


def _check_relative(contract: _Contract) -> None:
    if contract.symbol == ALL:
        raise BadRequest(f"strikeprice {contract.strike} needs a symbol of its own")
    if contract.option_type is None:
        raise BadRequest(f"strikeprice {contract.strike} needs an optionType")


def _part(read: _Fields, name: str, reader: values.Reader[_T], own: _T) -> _T | None:
    """Return a part of the contract; `own` is what the symbol itself says of it."""
    if own is None:
        needed = read.verb is not Verb.EXIT
        return read.need(name, reader) if needed else read.contract(name, reader)
    given = read.optional(name, reader)
    if given is not None and given != own:
        read.unclear(
            BadRequest(f"{name} contradicts symbol, which names the contract itself")
        )
    return own


def _size(read: _Fields) -> tuple[int | None, int | None]:
    """Return contracts and lots, one of them None."""
    qty = read.optional("qty", values.whole("contracts"))
    lots = read.optional("lots", values.whole("lots"))
    if qty is None and lots is None:
        return None, None
    if read.verb in (Verb.EXIT, Verb.PAUSE):
        read.unclear(BadRequest("an EXIT closes all that is open, whatever its size"))
        return None, None
    if qty is not None and lots is not None:
        read.unclear(BadRequest("qty and lots are both given; give one"))
        return None, None
    return qty, lots


def _exit(read: _Fields, name: str) -> ExitWish | None:
    wishes = {
        field: ExitWish(value, unit)
        for field, unit in _EXITS[name].items()
        if (value := read.optional(field, values.above_zero)) is not None
    }
    if len(wishes) > 1:
        read.unclear(BadRequest(f"{' and '.join(wishes)} are all given; give one"))
        return None
    return next(iter(wishes.values()), None)


def _key(read: _Fields, header_key: str | None) -> str | None:
    field = read.optional("idempotency_key", values.text)
    if header_key is None:
        return field
    header = names.Given("Idempotency-Key", header_key)
    try:
        return _read(header, values.text)
    except BadRequest as problem:
        read.unclear(problem)
        return field


def _time(read: _Fields, now: datetime, max_age: int) -> datetime | None:
    time = read.optional("time", values.fired)
    if time is None:
        return None
    if time - now > AHEAD:
        read.unclear(BadRequest("time is in the future; use {{timenow}}"))
        return None
    if read.verb.entry and max_age and now - time > timedelta(seconds=max_age):
        age = int((now - time).total_seconds())
        raise BadRequest(
            f"time is {age} s ago; alerts older than {max_age} s are not traded",
            "stale_alert",
        )
    return time
