"""A record's document: it comes back whole, as timestamps and as text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.record_codec import NotARecord, decode, encode
from shared.guard import GuardState, Risk, Seen, Verdict, Watch
from shared.idempotency import Claim, Lane, Outgoing, Slip
from shared.models import Notice, Order, Severity
from tests.contract.claims_made import NOW, claimed, sending

_instant = st.integers(0, 2**51).map(lambda n: NOW + timedelta(microseconds=n))
_price = st.decimals(0, 100_000, places=2)
_maybe_price = st.none() | _price
_order = st.builds(Order, stop_loss=_maybe_price, take_profit=_maybe_price)
_sending = st.builds(
    Slip,
    order=_order,
    ltp=_maybe_price,
    stop_loss=_maybe_price,
    take_profit=_maybe_price,
    sent_at=_instant,
    send_by=_instant,
)
_outgoing = st.builds(
    Outgoing,
    notice=st.builds(Notice, at=_instant, quantity=st.none() | st.integers(0, 9999)),
    left=st.none() | st.lists(st.text(max_size=5), max_size=2).map(tuple),
)
_claims = st.builds(
    Claim,
    created_at=_instant,
    lease_until=_instant,
    touched_at=_instant,
    expires_at=st.none() | _instant,
    sending=st.none() | _sending,
    outbox=st.lists(_outgoing, max_size=2).map(tuple),
    order_ids=st.lists(st.text(max_size=5), max_size=2).map(tuple),
)


@given(_claims)
def test_a_claim_comes_back_from_its_document(claim: Claim) -> None:
    assert decode(Claim, encode(claim)) == claim


@given(_claims)
def test_a_claim_comes_back_from_text(claim: Claim) -> None:
    text = json.dumps(encode(claim), default=datetime.isoformat)
    assert decode(Claim, json.loads(text)) == claim


def test_instants_stay_instants() -> None:
    assert encode(claimed())["lease_until"] == NOW + timedelta(seconds=4)


def test_prices_and_days_are_text() -> None:
    document = encode(sending(claimed()))["sending"]
    assert (document["ltp"], document["day"]) == ("100.30", "2026-11-24")


def test_an_unsettled_claim_has_no_expiry_at_all() -> None:
    assert "expires_at" not in encode(claimed())


def test_what_equals_its_default_is_left_out() -> None:
    assert encode(claimed()).keys().isdisjoint({"retry", "reason", "outbox", "lane"})


def test_nothing_and_an_empty_list_stay_two_things() -> None:
    notice = Notice("Look.", Severity.INFO, "seen", NOW)
    outbox = (Outgoing(notice, None), Outgoing(notice, ()))
    claim = replace(claimed(), outbox=outbox)
    assert decode(Claim, encode(claim)).outbox == outbox


def test_names_the_record_does_not_know_are_passed_over() -> None:
    assert decode(Claim, encode(claimed()) | {"day": "2026-11-24"}) == claimed()


def test_another_record_comes_back_too() -> None:
    lane = Lane(claim="1" * 64, attempt="a" * 32, taken_at=NOW, expires_at=NOW)
    assert decode(Lane, encode(lane)) == lane


_risk = st.builds(
    Risk,
    verdict=st.sampled_from(Verdict),
    since=_instant,
    told_at=st.none() | _instant,
)
_seen = st.builds(
    Seen,
    at=_instant,
    ltp=_maybe_price,
    entry_price=_maybe_price,
    stop=_maybe_price,
    target=_maybe_price,
    rupees=_price,
)
_watch = st.builds(
    Watch,
    risks=st.lists(_risk, max_size=2).map(tuple),
    reported=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    checked=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    seen=st.none() | _seen,
)
_state = st.builds(
    GuardState,
    ran_at=_instant,
    watches=st.lists(_watch, max_size=2).map(tuple),
    blind_since=st.none() | _instant,
    market_asked_at=st.none() | _instant,
    said=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    outbox=st.lists(_outgoing, max_size=2).map(tuple),
)


@given(_state)
def test_what_the_guard_remembers_comes_back_from_text(state: GuardState) -> None:
    text = json.dumps(encode(state), default=datetime.isoformat)
    assert decode(GuardState, json.loads(text)) == state


def test_a_field_the_document_does_not_know_takes_its_default() -> None:
    document = encode(sending(claimed()))
    del document["closed"], document["sending"]["closes"]
    read = decode(Claim, document)
    assert read.sending is not None
    assert (read.sending.closes, read.closed) == (False, False)


def test_another_zone_is_the_same_instant() -> None:
    document = encode(claimed())
    document["touched_at"] = "2026-11-24T09:30:00.123456+05:30"
    assert decode(Claim, document).touched_at == NOW


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("state", "SLEEPING", id="unknown state"),
        pytest.param("attempt", 5, id="number for text"),
        pytest.param("retry", "yes", id="text for truth"),
        pytest.param("touched_at", "2026-11-24T09:30:00", id="instant without zone"),
        pytest.param("touched_at", 1.5, id="number for instant"),
        pytest.param("outbox", "x", id="text for list"),
        pytest.param("reply", "x", id="text for map"),
        pytest.param("reply", {"status": True, "body": ""}, id="truth for number"),
        pytest.param("reply", {"body": ""}, id="half a reply"),
        pytest.param("created_at", None, id="missing"),
    ],
)
def test_a_broken_document_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(NotARecord, match=rf"^claim\.{field}"):
        decode(Claim, encode(claimed()) | {field: value})


@pytest.mark.parametrize("ltp", ["many", "", {"a": 1}, 100.5])
def test_a_price_that_is_none_is_refused(ltp: Any) -> None:
    document = encode(sending(claimed()))
    document["sending"]["ltp"] = ltp
    with pytest.raises(NotARecord, match=r"sending\.ltp"):
        decode(Claim, document)


def test_an_instant_without_a_zone_is_not_written() -> None:
    naive = replace(claimed(), touched_at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        encode(naive)


def test_what_is_no_claim_is_not_written() -> None:
    odd = replace(claimed(), reason=1.5)  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError, match="float"):
        encode(odd)


def test_an_instant_elsewhere_is_written_as_it_is() -> None:
    ist = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert decode(Claim, encode(replace(claimed(), created_at=ist))).created_at == NOW


def test_days_and_prices_come_back_as_such() -> None:
    read = decode(Claim, encode(sending(claimed()))).sending
    assert read is not None
    assert (read.day, read.ltp) == (date(2026, 11, 24), Decimal("100.30"))
