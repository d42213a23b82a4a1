"""The alert's way from bytes to values, one wrong thing at a time."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import alerts
from shared.errors import BadRequest, Unauthorized
from shared.models import (
    Alert,
    ExitWish,
    ExpiryWord,
    OptionType,
    Secret,
    Unit,
    Verb,
    Wanted,
)

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "token": "s3cret",
    "symbol": "NIFTY",
    "strikeprice": 25800,
    "optionType": "CE",
    "expiry": "WEEKLY",
    "action": "SELL",
    "qty": 65,
    "productType": "INTRADAY",
    "sl": 120.5,
    "tp": 60,
    "time": "2026-11-23T04:59:30Z",
}


def parsed(
    changes: Mapping[str, Any] | None = None,
    *,
    max_age: int = 60,
    header: str | None = None,
    **more: Any,
) -> Alert:
    body = {
        k: v for k, v in (GOOD | dict(changes or {}) | more).items() if v is not ...
    }
    return alerts.parse(
        alerts.read_body(json.dumps(body).encode()), header, NOW, max_age
    )


def test_a_good_alert_is_read_whole() -> None:
    alert = parsed(idempotency_key="k1")
    assert (alert.symbol, alert.strike, alert.option_type, alert.expiry) == (
        "NIFTY",
        Decimal(25800),
        OptionType.CE,
        ExpiryWord.WEEKLY,
    )
    assert (alert.verb, alert.qty, alert.product) == (
        Verb.SELL,
        65,
        Wanted.INTRADAY,
    )
    assert (alert.sl, alert.tp) == (
        ExitWish(Decimal("120.5"), Unit.LEVEL),
        ExitWish(Decimal(60), Unit.LEVEL),
    )
    assert (alert.key, alert.ignored) == ("k1", ())
    assert alert.time == datetime(2026, 11, 23, 4, 59, 30, tzinfo=UTC)
    assert alert.words == "SELL NIFTY 25800 CE WEEKLY"


def test_numbers_may_come_as_strings() -> None:
    alert = parsed(strikeprice="25800.00", qty=" 65 ", sl="120.5")
    assert (alert.strike, alert.qty) == (Decimal(25800), 65)
    assert alert.sl == ExitWish(Decimal("120.5"))


def test_a_decimal_strike_stays_exact() -> None:
    assert parsed(strikeprice=57.5).strike == Decimal("57.5")


def test_words_are_case_insensitive() -> None:
    alert = parsed(
        symbol="nifty",
        action="sell",
        optionType="ce",
        expiry="weekly",
        productType="bo",
    )
    assert (alert.symbol, alert.expiry) == ("NIFTY", ExpiryWord.WEEKLY)
    assert alert.product is Wanted.BO


def test_an_iso_date_is_a_date() -> None:
    assert parsed(expiry="2026-12-01").expiry == date(2026, 12, 1)


def test_optional_fields_may_be_null_or_absent() -> None:
    alert = parsed(qty=None, sl=None, tp=..., productType=None, time=...)
    assert (alert.qty, alert.sl, alert.tp, alert.product) == (None, None, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("symbol", None),
        ("symbol", ""),
        ("symbol", "NA"),
        ("symbol", 3.5),
        ("symbol", ["NIFTY"]),
        ("strikeprice", None),
        ("strikeprice", "abc"),
        ("strikeprice", float("nan")),
        ("strikeprice", float("inf")),
        ("strikeprice", 0),
        ("strikeprice", -5),
        ("strikeprice", True),
        ("strikeprice", "1e999999"),
        ("strikeprice", "1" * 60),
        ("optionType", "XX"),
        ("optionType", None),
        ("expiry", "TOMORROW"),
        ("expiry", "2026-13-01"),
        ("expiry", None),
        ("action", "HOLD"),
        ("action", None),
        ("qty", 1.5),
        ("qty", 0),
        ("qty", -65),
        ("qty", "many"),
        ("qty", ""),
        ("qty", float("nan")),
        ("productType", "CNC"),
        ("productType", 7),
        ("sl", "high"),
        ("sl", 0),
        ("tp", -1),
        ("tp", {"a": 1}),
        ("time", "yesterday"),
        ("time", 1764000000),
        ("time", "2026-11-23T04:59:30"),
        ("idempotency_key", ""),
        ("idempotency_key", []),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(field: str, value: object) -> None:
    with pytest.raises(BadRequest, match=f"^{field}"):
        parsed({field: value})


@pytest.mark.parametrize("field", [*(set(GOOD) - {"token"}), "idempotency_key", "more"])
def test_a_placeholder_left_in_a_field_is_refused_by_name(field: str) -> None:
    with pytest.raises(BadRequest, match=f"^{field} still holds a placeholder"):
        parsed({field: "{{strategy.order.contracts}}"})


def test_a_placeholder_in_the_key_header_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"^Idempotency-Key"):
        parsed(header="{{timenow}}")


def test_the_header_goes_before_the_field() -> None:
    assert parsed(header="head", idempotency_key="body").key == "head"


def test_a_stale_alert_has_its_own_code() -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(time="2026-11-23T04:58:59Z")
    assert refused.value.code == "stale_alert"


def test_an_alert_as_old_as_allowed_is_taken() -> None:
    assert parsed(time="2026-11-23T04:59:00Z").symbol == "NIFTY"


def test_any_age_is_taken_with_the_check_off() -> None:
    assert parsed(max_age=0, time="2020-01-01T00:00:00Z").symbol == "NIFTY"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"SELL NIFTY",
        b"[1]",
        b'"x"',
        b"null",
        b'{"a":',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"a":' * 2_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=range(10),
)
def test_anything_but_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^the body"):
        alerts.read_body(body)


def test_a_byte_order_mark_and_trailing_space_are_read() -> None:
    assert alerts.read_body(b'\xef\xbb\xbf{"a": 1} \n') == {"a": 1}


@pytest.mark.parametrize("depth", [10, 300, 900])
def test_nesting_in_a_field_is_read_or_refused_never_a_crash(depth: int) -> None:
    body = json.dumps(GOOD)[:-1] + ', "extra": ' + "[" * depth + "]" * depth + "}"
    assert _outcome(body.encode())


@pytest.mark.parametrize(
    "token", [None, "", "s3cre", "S3CRET", 7, ["s3cret"], "s3crét", "\ud800"]
)
def test_another_token_is_unauthorized(token: object) -> None:
    with pytest.raises(Unauthorized):
        alerts.authenticate({"token": token}, Secret("s3cret"))


def test_a_secret_beyond_ascii_matches_itself() -> None:
    alerts.authenticate({"token": "sécret"}, Secret("sécret"))


def test_the_order_of_fields_does_not_change_the_fingerprint() -> None:
    backwards = dict(reversed(GOOD.items()))
    assert alerts.fingerprint(backwards) == alerts.fingerprint(GOOD)


def test_the_token_is_not_in_the_fingerprint() -> None:
    assert alerts.fingerprint({**GOOD, "token": "x"}) == alerts.fingerprint(GOOD)


@pytest.mark.parametrize("field", sorted(set(GOOD) - {"token"}))
def test_every_other_field_is_in_the_fingerprint(field: str) -> None:
    assert alerts.fingerprint({**GOOD, field: "other"}) != alerts.fingerprint(GOOD)


def test_the_document_is_named_by_the_key_or_by_the_content() -> None:
    with_key, without = parsed(idempotency_key="k"), parsed()
    assert alerts.document_id(without) == without.fingerprint
    assert len(alerts.document_id(with_key)) == 64
    assert alerts.document_id(with_key) == alerts.document_id(
        parsed(idempotency_key="k", qty=130)
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def _outcome(body: bytes) -> str:
    try:
        return alerts.parse(alerts.read_body(body), None, NOW, 60).words
    except BadRequest as refused:
        return refused.message


@given(changes=st.dictionaries(st.sampled_from(sorted(GOOD)), _JSON, max_size=4))
def test_no_value_does_anything_but_pass_or_be_refused(
    changes: dict[str, object],
) -> None:
    assert _outcome(json.dumps({**GOOD, **changes}).encode())
