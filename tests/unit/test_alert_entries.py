"""An entry means exactly what it says, or it is refused by the name of the field."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared import alerts
from shared.errors import BadRequest
from shared.models import (
    Action,
    Alert,
    ExitWish,
    ExpiryWord,
    OptionType,
    RelativeStrike,
    StrikeKind,
    Unit,
    Verb,
    Wanted,
)

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
SELL: dict[str, Any] = {
    "token": "s3cret",
    "action": "SELL",
    "symbol": "NIFTY",
    "strikeprice": 25800,
    "optionType": "CE",
    "expiry": "WEEKLY",
}


def parsed(**more: Any) -> Alert:
    kept = {name: value for name, value in (SELL | more).items() if value is not ...}
    text = json.dumps(kept).encode()
    return alerts.parse(alerts.read_body(text), None, NOW, 60)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("dry_run", True, "did you mean paper?"),
        ("price", 90, "every order goes at the market"),
        ("stopLoss", 120, "did you mean sl?"),
        ("takeProfit", 60, "did you mean tp?"),
        ("producttype", "MARGIN", "did you mean productType?"),
        ("SL", 120, "did you mean sl?"),
        ("Time", "2026-11-23T04:59:30Z", "did you mean time?"),
        ("order_type", "MARKET", "did you mean orderType?"),
        ("Qty", 65, "did you mean qty?"),
        ("quantitty", 65, "did you mean qty?"),
        ("straddle_leg", None, "is not a field of an alert"),
        ("zzz", 1, "they are token, action, symbol, strikeprice"),
    ],
)
@pytest.mark.parametrize("action", ["SELL", "LONG"])
def test_a_field_nobody_knows_is_refused_naming_the_one_meant(
    action: str, name: str, value: object, says: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(action=action, **{name: value})
    assert refused.value.message.startswith(f"{name} is not a field of an alert")
    assert says in refused.value.message


def test_a_name_that_holds_the_token_is_not_repeated() -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(**{"my s3cret": 1})
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize(
    ("name", "alias", "value"),
    [
        (name, alias, value)
        for name, value in {
            "strikeprice": 25750,
            "optionType": "PE",
            "expiry": "MONTHLY",
            "qty": 130,
            "productType": "MARGIN",
        }.items()
        for alias in alerts.ALIASES[name]
    ],
)
def test_an_alias_is_the_field_itself(name: str, alias: str, value: object) -> None:
    by_alias, by_name = parsed(**{name: ..., alias: value}), parsed(**{name: value})
    assert _meaning(by_alias) == _meaning(by_name)
    with pytest.raises(BadRequest, match="are the same field; give one"):
        parsed(**{name: value, alias: value})


@pytest.mark.parametrize(
    ("value", "strike"),
    [
        ("ATM", RelativeStrike(StrikeKind.ATM)),
        ("atm + 2", RelativeStrike(StrikeKind.ATM, 2)),
        ("ATM-20", RelativeStrike(StrikeKind.ATM, -20)),
        ("OTM1", RelativeStrike(StrikeKind.OTM, 1)),
        ("itm20", RelativeStrike(StrikeKind.ITM, 20)),
        ("57.5", Decimal("57.5")),
        (57.5, Decimal("57.5")),
    ],
)
def test_a_strike_is_a_number_or_counted_from_the_money(
    value: object, strike: object
) -> None:
    assert parsed(strikeprice=value).strike == strike


@pytest.mark.parametrize(
    "value", ["ATM2", "ATM+21", "ATM+", "OTM", "OTM0", "OTM+1", "ITM21", "ATMX", "DEEP"]
)
def test_a_strike_word_that_means_nothing_is_refused(value: str) -> None:
    with pytest.raises(BadRequest, match=r"^strikeprice"):
        parsed(strikeprice=value)


@pytest.mark.parametrize(
    ("value", "expiry"),
    [
        *((word, ExpiryWord(word)) for word in ExpiryWord),
        ("next_weekly", ExpiryWord.NEXT_WEEKLY),
        ("2026-12-29", date(2026, 12, 29)),
        ("29DEC26", date(2026, 12, 29)),
        ("29dec26", date(2026, 12, 29)),
        ("29-12-2026", date(2026, 12, 29)),
    ],
)
def test_an_expiry_is_a_word_or_a_date_in_three_forms(
    value: str, expiry: object
) -> None:
    assert parsed(expiry=value).expiry == expiry


@pytest.mark.parametrize(
    "value",
    ["20261229", "29/12/2026", "12-29-2026", "31NOV26", "29DEC2026", "2026-W53-2"],
)
def test_another_form_of_a_date_is_refused(value: str) -> None:
    with pytest.raises(BadRequest, match=r"^expiry must be"):
        parsed(expiry=value)


@pytest.mark.parametrize(
    ("field", "value", "attribute", "meant"),
    [
        ("productType", "MIS", "product", Wanted.INTRADAY),
        ("productType", "nrml", "product", Wanted.MARGIN),
        ("optionType", "CALL", "option_type", OptionType.CE),
        ("optionType", "put", "option_type", OptionType.PE),
        ("optionType", "C", "option_type", OptionType.CE),
        ("optionType", "P", "option_type", OptionType.PE),
        ("lots", "2", "lots", 2),
        ("slPercent", 20, "sl", ExitWish(Decimal(20), Unit.PERCENT)),
        ("tpPoints", "12.5", "tp", ExitWish(Decimal("12.5"), Unit.POINTS)),
        ("strategy", " strangle ", "strategy", "strangle"),
        ("comment", 7, "comment", "7"),
        ("comment", "", "comment", ""),
        ("orderType", "market", "verb", Verb.SELL),
        ("paper", False, "paper", False),
        ("paper", True, "paper", True),
    ],
)
def test_what_a_word_means(
    field: str, value: object, attribute: str, meant: object
) -> None:
    alert = parsed(**{field: value})
    assert (getattr(alert, attribute), alert.ignored) == (meant, ())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"qty": 65, "lots": 1}, "qty and lots are both given"),
        ({"sl": 120, "slPercent": 20}, "sl and slPercent are all given"),
        ({"tpPercent": 1, "tpPoints": 2}, "tpPercent and tpPoints are all given"),
        ({"orderType": "LIMIT"}, "orderType may only be MARKET"),
        ({"paper": "yes"}, "paper must be true or false"),
        ({"symbol": "ALL"}, "symbol may be ALL only in an EXIT"),
        ({"comment": "x" * 1001}, "comment is longer than 1000"),
        ({"strategy": "x" * 41}, "strategy is longer than 40"),
        ({"time": "2026-11-23T05:01:01Z"}, "time is in the future"),
        ({"time": "2036-01-01T00:00:00Z"}, "time is in the future"),
        ({"symbol": "NSE:"}, "symbol is missing or empty"),
    ],
)
def test_what_contradicts_itself_or_is_not_done_here_is_refused(
    more: dict[str, object], says: str
) -> None:
    with pytest.raises(BadRequest, match=f"^{says}"):
        parsed(**more)


def test_a_clock_a_minute_ahead_is_taken() -> None:
    assert parsed(time="2026-11-23T05:01:00Z").time is not None


def test_a_name_twice_is_refused_where_json_would_take_the_last() -> None:
    body = json.dumps(SELL)[:-1].encode() + b', "qty": 65, "qty": 130}'
    with pytest.raises(BadRequest, match=r"^qty is given twice"):
        alerts.parse(alerts.read_body(body), None, NOW, 60)


@pytest.mark.parametrize("sent", ["nse:reliance", "BSE:RELIANCE"])
def test_a_symbol_may_name_its_exchange(sent: str) -> None:
    alert = parsed(symbol=sent)
    assert (alert.exchange, alert.symbol) == (sent[:3].upper(), "RELIANCE")


@pytest.mark.parametrize(
    ("ticker", "symbol", "strike", "option_type"),
    [
        ("NIFTY261124C25800", "NIFTY", "25800", OptionType.CE),
        ("NIFTYNXT50261124P68000", "NIFTYNXT50", "68000", OptionType.PE),
        ("360ONE261124C1140", "360ONE", "1140", OptionType.CE),
        ("M&M261124P300.75", "M&M", "300.75", OptionType.PE),
    ],
)
def test_an_option_ticker_brings_its_whole_contract(
    ticker: str, symbol: str, strike: str, option_type: OptionType
) -> None:
    alert = parsed(symbol=ticker, strikeprice=..., optionType=..., expiry=...)
    assert (alert.symbol, alert.strike) == (symbol, Decimal(strike))
    assert (alert.option_type, alert.expiry) == (option_type, date(2026, 11, 24))


def test_an_option_ticker_may_be_said_again_but_not_contradicted() -> None:
    again = {"strikeprice": "25800.0", "expiry": "24NOV26"}
    assert parsed(symbol="NIFTY261124C25800", **again).strike == 25800
    for name, value in {
        "strikeprice": "ATM",
        "optionType": "PE",
        "expiry": "WEEKLY",
    }.items():
        with pytest.raises(BadRequest, match=f"^{name} contradicts symbol"):
            parsed(symbol="NIFTY261124C25800", **again | {name: value})


def test_a_ticker_with_an_impossible_date_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"^symbol holds a date"):
        parsed(symbol="NIFTY261324C25800")


@pytest.mark.parametrize(
    ("action", "entry", "side"),
    [
        ("SELL", True, Action.SELL),
        ("LONG", True, Action.BUY),
        ("BUY", False, Action.BUY),
        ("EXIT", False, None),
        ("PAUSE", False, None),
    ],
)
def test_a_verb_has_a_side_and_opens_or_not(
    action: str, entry: bool, side: Action | None
) -> None:
    alert = parsed(action=action)
    assert (alert.entry, alert.side) == (entry, side)


def test_lots_become_contracts_by_the_lot() -> None:
    assert parsed(lots=2).contracts(65) == 130
    assert parsed(qty=75).contracts(65) == 75
    assert parsed().contracts(65) is None


def test_the_strategy_is_part_of_the_fingerprint() -> None:
    assert parsed(strategy="a").fingerprint != parsed(strategy="b").fingerprint


def _meaning(alert: Alert) -> tuple[object, ...]:
    return (
        alert.words,
        alert.qty,
        alert.lots,
        alert.product,
        alert.sl,
        alert.tp,
        alert.exchange,
    )
