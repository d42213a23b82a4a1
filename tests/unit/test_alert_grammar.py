"""The grammar as a whole: what traders send, and what any change of it can mean."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import alerts
from shared.errors import BadRequest, Unauthorized
from shared.models import Alert, Secret

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
TIME = "2026-11-23T04:59:30Z"
SECRET = Secret("a-secret-of-enough-characters")
CALL = {
    "symbol": "NIFTY",
    "strikeprice": 25800,
    "optionType": "CE",
    "expiry": "WEEKLY",
}


def outcome(body: bytes) -> str:
    """Return what a body means in words, or the sentence that refuses it."""
    try:
        fields = alerts.read_body(body)
        alerts.authenticate(fields, SECRET)
        return said(alerts.parse(fields, None, NOW, 60))
    except Unauthorized as refused:
        return f"401 {refused.message}"
    except BadRequest as refused:
        return f"400 {refused.message}"


def said(alert: Alert) -> str:
    """Return everything an alert means but its identity, as one line."""
    size = f"{alert.lots} lots" if alert.lots else f"{alert.qty or 'all'}"
    exits = " ".join(
        f"{name} {wish.value:f} {wish.unit}"
        for name, wish in (("sl", alert.sl), ("tp", alert.tp))
        if wish
    )
    parts = (alert.exchange, alert.words, size, alert.product or "", exits)
    line = " ".join(part for part in parts if part)
    return f"{line} [{len(alert.ignored)} ignored]" if alert.ignored else line


def body(**fields: Any) -> bytes:
    return json.dumps({"token": SECRET.open()} | fields).encode()


SENT = {
    # What is known from other bridges.
    "plain sell": (body(action="SELL", **CALL), "SELL NIFTY 25800 CE WEEKLY all"),
    "strategy placeholders, rendered": (
        body(action="sell", qty="65", comment="Short Entry", time=TIME, **CALL),
        "SELL NIFTY 25800 CE WEEKLY 65",
    ),
    "lots, a limit order and paper": (
        body(action="SELL", lots=3, orderType="LIMIT", paper=True, **CALL),
        "400 orderType may only be MARKET: every order goes at the market",
    ),
    "paper": (
        body(action="SELL", paper=True, **CALL),
        "SELL NIFTY 25800 CE WEEKLY all",
    ),
    "at the money": (
        body(
            action="SELL",
            symbol="NIFTY",
            strike="ATM",
            option_type="CALL",
            expiry="NEXT_WEEKLY",
            lots=1,
        ),
        "SELL NIFTY ATM CE NEXT_WEEKLY 1 lots",
    ),
    "two steps out, percent exits": (
        body(
            action="SELL",
            symbol="BANKNIFTY",
            strike_price="OTM2",
            optionType="P",
            expiry_date="MONTHLY",
            quantity=30,
            slPercent=20,
            tpPercent=50,
            product="MIS",
        ),
        "SELL BANKNIFTY OTM2 PE MONTHLY 30 INTRADAY sl 20 percent tp 50 percent",
    ),
    "a bought option": (
        body(action="LONG", product_type="NRML", slPoints=30, **CALL),
        "LONG NIFTY 25800 CE WEEKLY all MARGIN sl 30 points",
    ),
    "TradingView's own ticker": (
        body(action="SELL", symbol="NSE:NIFTY261124C25800"),
        "NSE SELL NIFTY 25800 CE 2026-11-24 all",
    ),
    "an index of BSE": (
        body(action="SELL", **CALL | {"symbol": "BSE:SENSEX", "strikeprice": 84000}),
        "BSE SELL SENSEX 84000 CE WEEKLY all",
    ),
    "exit of a symbol": (body(action="EXIT", symbol="NIFTY"), "EXIT NIFTY all"),
    "exit of everything": (body(action="EXIT", symbol="ALL"), "EXIT ALL all"),
    "pause": (body(action="PAUSE"), "PAUSE all"),
    "a buy of a size that is no lot": (
        body(action="BUY", qty=75, **CALL),
        "BUY NIFTY 25800 CE WEEKLY 75",
    ),
    "a buy at the money": (
        body(action="BUY", **CALL | {"strikeprice": "ATM"}),
        "BUY NIFTY ATM CE WEEKLY all",
    ),
    "an empty plot": (
        body(action="SELL", **CALL)[:-1] + b', "sl": ,}',
        "400 the body is not valid JSON",
    ),
    "a grouped number": (
        body(action="SELL", **CALL)[:-1] + b', "sl": 25,800}',
        "400 the body is not valid JSON",
    ),
    "another's secret": (
        body(action="SELL", **CALL | {"token": "wrong"}),
        "401 the token is missing or wrong",
    ),
}


@pytest.mark.parametrize(("sent", "meant"), SENT.values(), ids=SENT.keys())
def test_a_body_is_one_alert_or_one_sentence(sent: bytes, meant: str) -> None:
    assert outcome(sent) == meant


@pytest.mark.parametrize("name", ["an empty plot", "a grouped number"])
def test_a_broken_body_still_shows_whose_it_is(name: str) -> None:
    sent = SENT[name][0]
    assert alerts.holds_secret(sent, [Secret(""), SECRET])
    assert not alerts.holds_secret(sent, [Secret("another"), Secret("")])


def test_a_secret_is_found_as_json_writes_it_too() -> None:
    odd = Secret('a"b\\c-quoted')
    assert alerts.holds_secret(json.dumps({"token": odd.open()}).encode()[:-1], [odd])


def test_either_secret_of_a_rotation_is_taken_and_an_empty_one_never() -> None:
    new, old = Secret("new"), Secret("old")
    for token in ("new", "old"):
        alerts.authenticate({"token": token}, new, old)
    for fields in ({"token": ""}, {}, {"token": "other"}):
        with pytest.raises(Unauthorized):
            alerts.authenticate(fields, new, Secret(""))


_Fields = dict[str, Any]
_SIZES: tuple[tuple[str, _Fields], ...] = (
    ("all", {}),
    ("75", {"qty": "75"}),
    ("75", {"quantity": 75}),
    ("3 lots", {"lots": 3}),
)
_PRODUCTS: tuple[tuple[str, _Fields], ...] = (
    ("", {}),
    ("INTRADAY", {"product": "MIS"}),
    ("MARGIN", {"productType": "nrml"}),
    ("BO", {"product_type": "BO"}),
)
_EXITS: tuple[tuple[str, _Fields], ...] = (
    ("", {}),
    ("sl 150 level", {"sl": "150"}),
    ("sl 20 percent tp 12.5 points", {"slPercent": 20, "tpPoints": 12.5}),
)
_FREE: tuple[_Fields, ...] = (
    {},
    {"comment": "x", "orderType": "market"},
    {"time": TIME},
)


@st.composite
def _entries(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """Draw a valid entry and what it means, made from the meaning and not parsed."""
    verb = draw(st.sampled_from(["SELL", "LONG"]))
    name = draw(st.sampled_from(["NIFTY", "SENSEX", "M&M", "BAJAJ-AUTO", "360ONE"]))
    exchange = draw(st.sampled_from(["", "NSE", "BSE"]))
    strike = draw(
        st.integers(1, 99_999).map(str)
        | st.sampled_from(["ATM", "ATM+1", "ATM-20", "OTM1", "ITM20", "57.5"])
    )
    side, side_words = draw(
        st.sampled_from([("CE", ["CE", "call", "C"]), ("PE", ["PE", "Put", "p"])])
    )
    day = draw(st.dates(date(2026, 1, 1), date(2035, 12, 31)))
    month = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"[day.month * 3 - 3 : day.month * 3]
    short = f"{day:%d}{month}{day:%y}"
    expiry, expiry_word = draw(
        st.sampled_from(
            [
                *((word, word) for word in ("WEEKLY", "NEXT_WEEKLY", "MONTHLY")),
                ("NEXT_MONTHLY", "next_monthly"),
                (str(day), str(day)),
                (str(day), short),
                (str(day), f"{day:%d-%m-%Y}"),
            ]
        )
    )
    size, sizes = draw(st.sampled_from(_SIZES))
    product, products = draw(st.sampled_from(_PRODUCTS))
    exits, exit_fields = draw(st.sampled_from(_EXITS))
    fields: dict[str, Any] = {
        "token": SECRET.open(),
        "action": draw(st.sampled_from([verb, verb.lower()])),
        "symbol": f"{exchange}:{name}" if exchange else name,
        draw(st.sampled_from(["strikeprice", "strike", "strike_price"])): strike,
        draw(st.sampled_from(["optionType", "option_type"])): draw(
            st.sampled_from(side_words)
        ),
        draw(st.sampled_from(["expiry", "expiry_date"])): expiry_word,
        **sizes,
        **products,
        **exit_fields,
        **draw(st.sampled_from(_FREE)),
    }
    parts = (exchange, f"{verb} {name} {strike} {side} {expiry}", size, product, exits)
    return fields, " ".join(part for part in parts if part)


@given(drawn=_entries(), order=st.randoms(use_true_random=False))
def test_every_valid_body_means_exactly_one_thing(
    drawn: tuple[dict[str, Any], str], order: Any
) -> None:
    fields, meaning = drawn
    shuffled = list(fields.items())
    order.shuffle(shuffled)
    assert outcome(json.dumps(dict(shuffled)).encode()) == meaning


@given(drawn=_entries(), data=st.data())
def test_a_changed_name_is_refused_or_means_the_same(
    drawn: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    fields, meaning = drawn
    old = data.draw(st.sampled_from(sorted(set(fields) - {"token"})))
    new = data.draw(
        st.sampled_from([old.upper(), old.lower(), old.title(), old + "s", old[:-1]])
        | st.text(max_size=12)
    )
    changed = {new if name == old else name: value for name, value in fields.items()}
    if len(changed) < len(fields):
        return  # the new name was another field's: that is another body
    result = outcome(json.dumps(changed).encode())
    assert result.startswith("400 ") or result == meaning


@given(drawn=_entries(), name=st.text(max_size=12), value=st.integers() | st.text())
def test_one_more_field_is_refused_or_known(
    drawn: tuple[dict[str, Any], str], name: str, value: object
) -> None:
    fields, _ = drawn
    known = {
        *alerts.ALIASES,
        *(one for all_ in alerts.ALIASES.values() for one in all_),
    }
    if name in known:
        return
    result = outcome(json.dumps(fields | {name: value}).encode())
    assert result.startswith("400 ")
    assert SECRET.open() not in result


@given(drawn=_entries(), data=st.data())
def test_a_changed_character_changes_one_thing_or_is_refused(
    drawn: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    """Nobody can tell 25800 from 25900; but nothing of the rest may move with it."""
    fields, _ = drawn
    text = json.dumps(fields)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="ascii"))
    changed = (text[:place] + letter + text[place + 1 :]).encode()
    if outcome(changed)[:4] in ("400 ", "401 "):
        return
    before = _facets(_parsed(fields))
    after = _facets(alerts.parse(alerts.read_body(changed), None, NOW, 60))
    assert sum(old != new for old, new in zip(before, after, strict=True)) <= 1


def _facets(alert: Alert) -> tuple[object, ...]:
    return (
        alert.verb,
        (alert.exchange, alert.symbol),
        alert.strike,
        alert.option_type,
        alert.expiry,
        (alert.qty, alert.lots),
        alert.product,
        alert.sl,
        alert.tp,
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=5,
)
_CLOSE = {"token": SECRET.open(), "action": "BUY", **CALL}
_HARMLESS = sorted(
    {*alerts.ALIASES, "SL", "producttype", "Time", "dry_run", "stopLoss", "price"}
    - {"token", "action", "symbol", "strikeprice", "optionType", "expiry", "paper"}
)


@given(extra=st.dictionaries(st.sampled_from(_HARMLESS), _JSON, max_size=5))
def test_nothing_beside_its_contract_stops_or_moves_a_close(
    extra: dict[str, object],
) -> None:
    plain = _parsed(_CLOSE)
    alert = _parsed(_CLOSE | extra)
    same = replace(
        alert,
        qty=None,
        lots=None,
        product=None,
        sl=None,
        tp=None,
        strategy="",
        comment="",
        time=None,
        ignored=(),
        key=None,
        fingerprint=plain.fingerprint,
    )
    assert same == plain


def _parsed(fields: dict[str, Any]) -> Alert:
    return alerts.parse(
        alerts.read_body(json.dumps(fields).encode()), None, NOW, max_age=60
    )


def test_numbers_in_a_body_are_exact() -> None:
    alert = _parsed(_CLOSE | {"strikeprice": 57.5, "sl": 0.05})
    assert alert.strike == Decimal("57.5")
    assert alert.sl is not None
    assert alert.sl.value == Decimal("0.05")
