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

from shared.adapters import record_codec
from shared.adapters.claim_codec import decode, encode
from shared.adapters.record_codec import NotARecord
from shared.guard import GuardState, Risk, Seen, Verdict, Watch
from shared.idempotency import (
    Claim,
    ClaimAt,
    Claimed,
    Done,
    Lane,
    NotSent,
    Outgoing,
    Released,
    Sending,
    Slip,
    Unknown,
)
from shared.idempotency.transitions import moved
from shared.models import Notice, Order, Severity
from tests.contract.claims_made import (
    FULL,
    LATER,
    NOW,
    REPLY,
    SLIP,
    claimed,
    sending,
    standing,
)

OF = {claim.state: claim for claim in FULL}

_instant = st.integers(0, 2**51).map(lambda n: NOW + timedelta(microseconds=n))
_price = st.decimals(0, 100_000, places=2)
_maybe_price = st.none() | _price
_order = st.builds(Order, stop_loss=_maybe_price, take_profit=_maybe_price)
_slip = st.builds(
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
_maybe_slip = st.none() | _slip
_ids = st.lists(st.text(max_size=5), max_size=2).map(tuple)
_states = st.one_of(
    st.builds(Claimed),
    st.builds(Sending, slip=_slip),
    st.builds(Unknown, slip=_slip, reason=st.text(), order_ids=_ids),
    st.builds(Released, expires_at=_instant, reason=st.text(), slip=_maybe_slip),
    st.builds(
        Done,
        expires_at=_instant,
        done_at=st.none() | _instant,
        order_ids=_ids,
        slip=_maybe_slip,
    ),
    st.builds(NotSent, expires_at=_instant, order_ids=_ids, slip=_maybe_slip),
)
_claims: st.SearchStrategy[Claim] = st.builds(
    ClaimAt,
    at=_states,
    created_at=_instant,
    lease_until=_instant,
    touched_at=_instant,
    outbox=st.lists(_outgoing, max_size=2).map(tuple),
)


@given(_claims)
def test_a_claim_comes_back_from_its_document(claim: Claim) -> None:
    assert decode(encode(claim)) == claim


@given(_claims)
def test_a_claim_comes_back_from_text(claim: Claim) -> None:
    text = json.dumps(encode(claim), default=datetime.isoformat)
    assert decode(json.loads(text)) == claim


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
    assert decode(encode(claim)).outbox == outbox


def test_names_the_record_does_not_know_are_passed_over() -> None:
    assert decode(encode(claimed()) | {"day": "2026-11-24"}) == claimed()


def test_another_record_comes_back_too() -> None:
    lane = Lane(claim="1" * 64, attempt="a" * 32, taken_at=NOW, expires_at=NOW)
    assert record_codec.decode(Lane, record_codec.encode(lane)) == lane


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
    text = json.dumps(record_codec.encode(state), default=datetime.isoformat)
    assert record_codec.decode(GuardState, json.loads(text)) == state


def test_a_field_the_document_does_not_know_takes_its_default() -> None:
    document = encode(OF["UNKNOWN"])
    del document["closed"], document["sending"]["closes"]
    at = standing(decode(document), Unknown).at
    assert (at.slip.closes, at.closed) == (False, False)


def test_what_another_state_left_in_a_document_is_passed_over() -> None:
    left = {"retry": True, "closed": True, "reply": {"status": 503, "body": ""}}
    document = encode(OF["NOT_SENT"])
    assert decode(document | left) == OF["NOT_SENT"]


def test_a_claim_has_its_states_fields_beside_its_own() -> None:
    assert encode(moved(claimed(), Done(REPLY, LATER, slip=SLIP))) == {
        "state": "DONE",
        "attempt": "a" * 32,
        "fingerprint": "f" * 64,
        "created_at": NOW,
        "lease_until": NOW + timedelta(seconds=4),
        "request_id": "r-1",
        "what": "SELL NIFTY 25800 CE WEEKLY",
        "touched_at": NOW,
        "reply": {"status": 202, "body": '{"success": false}'},
        "expires_at": LATER,
        "sending": record_codec.encode(SLIP),
    }


@pytest.mark.parametrize("state", ["SENDING", "UNKNOWN"])
def test_no_order_is_on_its_way_without_its_slip(state: str) -> None:
    document = encode(OF[state])
    del document["sending"]
    with pytest.raises(NotARecord, match="missing"):
        decode(document)


def test_another_zone_is_the_same_instant() -> None:
    document = encode(claimed())
    document["touched_at"] = "2026-11-24T09:30:00.123456+05:30"
    assert decode(document).touched_at == NOW


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        pytest.param("DONE", "state", "SLEEPING", id="unknown state"),
        pytest.param("DONE", "state", ["DONE"], id="list for state"),
        pytest.param("DONE", "attempt", 5, id="number for text"),
        pytest.param("RELEASED", "retry", "yes", id="text for truth"),
        pytest.param(
            *("CLAIMED", "touched_at", "2026-11-24T09:30:00"), id="instant without zone"
        ),
        pytest.param("CLAIMED", "touched_at", 1.5, id="number for instant"),
        pytest.param("CLAIMED", "outbox", "x", id="text for list"),
        pytest.param("SENDING", "sending", "x", id="text for slip"),
        pytest.param("DONE", "reply", "x", id="text for map"),
        pytest.param(
            *("DONE", "reply", {"status": True, "body": ""}), id="truth for number"
        ),
        pytest.param("DONE", "reply", {"body": ""}, id="half a reply"),
        pytest.param("CLAIMED", "created_at", None, id="missing"),
    ],
)
def test_a_broken_document_names_its_field(state: str, field: str, value: Any) -> None:
    with pytest.raises(NotARecord, match=rf"^claim\.{field}"):
        decode(encode(OF[state]) | {field: value})


@pytest.mark.parametrize("ltp", ["many", "", {"a": 1}, 100.5])
def test_a_price_that_is_none_is_refused(ltp: Any) -> None:
    document = encode(sending(claimed()))
    document["sending"]["ltp"] = ltp
    with pytest.raises(NotARecord, match=r"^claim\.sending\.ltp"):
        decode(document)


def test_an_instant_without_a_zone_is_not_written() -> None:
    naive = replace(claimed(), touched_at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        encode(naive)


def test_what_is_no_claim_is_not_written() -> None:
    odd = replace(claimed(), what=1.5)  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError, match="float"):
        encode(odd)


def test_an_instant_elsewhere_is_written_as_it_is() -> None:
    ist = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert decode(encode(replace(claimed(), created_at=ist))).created_at == NOW


def test_days_and_prices_come_back_as_such() -> None:
    read = standing(decode(encode(sending(claimed()))), Sending).at.slip
    assert (read.day, read.ltp) == (date(2026, 11, 24), Decimal("100.30"))
