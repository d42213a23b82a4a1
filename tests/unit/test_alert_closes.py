"""Nothing but its contract decides whether a close runs."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared import alerts
from shared.errors import BadRequest
from shared.models import (
    Alert,
    ExpiryWord,
    OptionType,
    RelativeStrike,
    StrikeKind,
    Verb,
    Wanted,
)

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
BUY: dict[str, Any] = {
    "token": "s3cret",
    "action": "BUY",
    "symbol": "NIFTY",
    "strikeprice": 25800,
    "optionType": "CE",
    "expiry": "WEEKLY",
}
EXIT: dict[str, Any] = {"token": "s3cret", "action": "EXIT", "symbol": "NIFTY"}


def parsed(body: dict[str, Any], /, **more: Any) -> Alert:
    kept = {name: value for name, value in (body | more).items() if value is not ...}
    header = kept.pop("header", None)
    text = json.dumps(kept).encode()
    return alerts.parse(alerts.read_body(text), header, NOW, 60)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("dry_run", True, "dry_run is not a field of an alert; did you mean paper?"),
        ("producttype", "MARGIN", "did you mean productType?"),
        ("SL", 100, "did you mean sl?"),
        ("Time", "now", "did you mean time?"),
        ("stopLoss", 120, "did you mean sl?"),
        ("price", 90, "every order goes at the market"),
        ("orderType", "LIMIT", "orderType may only be MARKET"),
        ("productType", "CNC", "productType must be INTRADAY"),
        ("sl", "nonsense", "sl must be a number above 0"),
        ("sl", float("nan"), "sl must be a number above 0"),
        ("tp", -3, "tp must be a number above 0"),
        ("sl", "{{plot_0}}", "sl still holds a placeholder"),
        ("slPercent", 0, "slPercent must be a number above 0"),
        ("qty", 1.5, "qty must be a whole number of contracts"),
        ("qty", "many", "qty must be a whole number of contracts"),
        ("qty", 0, "qty must be above 0"),
        ("qty", "{{strategy.order.contracts}}", "qty still holds a placeholder"),
        ("lots", -1, "lots must be above 0"),
        ("comment", "x" * 1001, "comment is longer than 1000 characters"),
        ("strategy", "x" * 41, "strategy is longer than 40 characters"),
        ("strategy", ["x"], "strategy must be a text"),
        ("paper", "perhaps", "paper must be true or false"),
        ("time", 1764000000000, "time is not an ISO time"),
        ("time", "yesterday", "time is not an ISO time"),
        ("time", "2026-11-23T04:59:30", "time has no time zone"),
        ("time", "2036-01-01T00:00:00Z", "time is in the future"),
        ("idempotency_key", "{{timenow}}", "idempotency_key still holds a placeholder"),
        ("idempotency_key", [], "idempotency_key is missing or empty"),
    ],
)
@pytest.mark.parametrize("body", [BUY, EXIT], ids=["BUY", "EXIT"])
def test_a_close_goes_on_without_what_it_does_not_understand(
    body: dict[str, Any], name: str, value: object, says: str
) -> None:
    alert, plain = parsed(body, **{name: value}), parsed(body)
    assert says in " ".join(alert.ignored)
    assert (alert.symbol, alert.strike, alert.expiry) == (
        plain.symbol,
        plain.strike,
        plain.expiry,
    )
    assert (alert.qty, alert.lots, alert.product) == (None, None, None)
    assert (alert.sl, alert.tp, alert.time, alert.key) == (None, None, None, None)


@pytest.mark.parametrize("age", [timedelta(seconds=61), timedelta(days=3)])
def test_a_close_is_never_stopped_by_its_age(age: timedelta) -> None:
    alert = parsed(BUY, time=(NOW - age).isoformat())
    assert (alert.time, alert.ignored) == (NOW - age, ())


def test_contracts_and_lots_together_close_everything() -> None:
    alert = parsed(BUY, qty=65, lots=2)
    assert (alert.qty, alert.lots) == (None, None)
    assert "qty and lots are both given" in alert.ignored[0]


def test_a_size_on_an_exit_is_told_since_all_of_it_closes() -> None:
    assert parsed(EXIT, lots=1).ignored == (
        "an EXIT closes all that is open, whatever its size",
    )


def test_two_stops_on_a_close_are_none() -> None:
    alert = parsed(BUY, sl=150, slPercent=20)
    assert (alert.sl, len(alert.ignored)) == (None, 1)


def test_a_placeholder_in_the_key_header_leaves_the_field() -> None:
    alert = parsed(BUY, header="{{timenow}}", idempotency_key="k")
    assert (alert.key, len(alert.ignored)) == ("k", 1)


@pytest.mark.parametrize(
    ("name", "as_sent"),
    [
        ("action", "Action"),
        ("symbol", "SYMBOL"),
        ("strikeprice", "strikePrice"),
        ("strikeprice", "Strike-Price"),
        ("optionType", "optiontype"),
        ("expiry", "Expiry"),
    ],
)
def test_a_close_knows_its_contract_in_any_spelling(name: str, as_sent: str) -> None:
    """Passed over, an EXIT's `optiontype` would widen it to both sides."""
    alert = parsed(BUY, **{name: ..., as_sent: BUY[name]})
    assert alert.named == parsed(BUY).named
    assert alert.ignored == (
        f"{as_sent} is not a field of an alert; did you mean {name}?",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("symbol", "{{ticker}}"),
        ("symbol", ""),
        ("symbol", "MCX:CRUDEOIL"),
        ("strikeprice", "high"),
        ("strikeprice", "ATM+21"),
        ("optionType", "XX"),
        ("expiry", "SOON"),
        ("expiry", "{{plot_0}}"),
    ],
)
@pytest.mark.parametrize("body", [BUY, EXIT], ids=["BUY", "EXIT"])
def test_a_contract_that_cannot_be_read_is_refused_even_for_a_close(
    body: dict[str, Any], name: str, value: object
) -> None:
    with pytest.raises(BadRequest, match=f"^{name}"):
        parsed(body, **{name: value})


@pytest.mark.parametrize("name", ["symbol", "strikeprice", "optionType", "expiry"])
def test_a_buy_needs_its_whole_contract(name: str) -> None:
    with pytest.raises(BadRequest, match=f"^{name} is missing"):
        parsed(BUY, **{name: ...})


def test_a_contract_given_twice_is_unclear() -> None:
    text = json.dumps(BUY)[:-1].encode() + b', "strikeprice": 25900}'
    with pytest.raises(BadRequest, match=r"^strikeprice is given twice"):
        alerts.parse(alerts.read_body(text), None, NOW, 60)
    with pytest.raises(BadRequest, match=r"^strikeprice is given twice"):
        parsed(BUY, strike=25900)


def test_the_same_strike_under_two_names_is_one_strike() -> None:
    assert parsed(BUY, strike=25800).strike == 25800


def test_a_close_may_be_for_paper_only() -> None:
    assert parsed(BUY, paper=True).paper


def test_an_exit_may_narrow_or_not() -> None:
    assert parsed(EXIT).words == "EXIT NIFTY"
    assert parsed(EXIT, symbol="all").symbol == "ALL"
    narrow = parsed(
        EXIT, optionType="P", expiry="2026-12-01", productType="NRML", strike="OTM2"
    )
    assert (narrow.option_type, narrow.expiry) == (OptionType.PE, date(2026, 12, 1))
    assert narrow.product is Wanted.MARGIN
    assert narrow.strike == RelativeStrike(StrikeKind.OTM, 2)


def test_an_option_ticker_is_the_contract_of_a_close_whatever_else_is_said() -> None:
    alert = parsed(
        BUY, symbol="NSE:NIFTY261124C25800", strikeprice=25700, expiry="MONTHLY"
    )
    assert (alert.exchange, alert.symbol, alert.strike, alert.expiry) == (
        "NSE",
        "NIFTY",
        Decimal(25800),
        date(2026, 11, 24),
    )
    assert alert.ignored == (
        "strikeprice contradicts symbol, which names the contract itself",
        "expiry contradicts symbol, which names the contract itself",
    )


@pytest.mark.parametrize("more", [{"strike": "ATM"}, {"strike": "OTM1"}])
def test_a_relative_strike_of_an_exit_needs_its_side(more: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=r"needs an optionType$"):
        parsed(EXIT, **more)
    with pytest.raises(BadRequest, match=r"needs a symbol of its own$"):
        parsed(EXIT, symbol="ALL", optionType="CE", **more)


def test_a_pause_needs_nothing_and_is_stopped_by_nothing() -> None:
    alert = parsed({"token": "s3cret", "action": "pause", "qty": 1, "Symbol": "x"})
    assert (alert.verb, alert.symbol, alert.words) == (Verb.PAUSE, "", "PAUSE")
    assert alert.side is None


def test_a_close_words_its_expiry() -> None:
    assert parsed(BUY).expiry is ExpiryWord.WEEKLY
