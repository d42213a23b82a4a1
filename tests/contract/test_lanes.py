"""The LaneStore port: a lane and its claim change together, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.documents import Write
from shared.adapters.store import LANES, Store
from shared.errors import Conflict, Doubtful
from shared.idempotency import Claimed, HeldLane, Lane, Stored, StoredAt
from tests.contract.claims_made import NOW, claimed, done, sending
from tests.contract.conftest import StoreKind, race, seconds

TICKER = "NSE:NIFTY26NOV25800CE"
KEY = "0" * 63 + "1"
OTHER = "0" * 63 + "2"


def lane(claim: str = KEY, attempt: str = "a" * 32) -> Lane:
    return Lane(
        claim=claim,
        attempt=attempt,
        taken_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )


def taken(store: Store, key: str = KEY) -> tuple[HeldLane, StoredAt[Claimed]]:
    """Let a new claim take the lane."""
    stored = store.create(key, claimed(), seconds(60))
    return store.take(store.lane(TICKER, seconds(60)), lane(key), stored, seconds(60))


def both(store: Store, key: str = KEY) -> tuple[HeldLane, Stored | None]:
    return store.lane(TICKER, seconds(60)), store.read(key, seconds(60))


def test_a_lane_nobody_holds_is_free(store: Store) -> None:
    assert store.lane(TICKER, seconds(60)) == HeldLane(TICKER, None, None)


def test_a_taken_lane_and_its_claim_name_each_other(store: Store) -> None:
    held, stored = taken(store)
    assert both(store) == (held, stored)
    assert (held.lane, stored.claim) == (lane(), replace(claimed(), lane=TICKER))


def test_each_contract_has_its_own_lane(store: Store) -> None:
    taken(store)
    assert store.lane("NSE:NIFTY26NOV25900CE", seconds(60)).lane is None


def test_every_field_of_a_lane_survives(store: Store) -> None:
    held, stored = taken(store)
    full = replace(lane(), tag="0123456789abcdef0123", send_by=NOW)
    store.mark(stored, sending(stored.claim), held, full, seconds(60))
    assert store.lane(TICKER, seconds(60)).lane == full


def test_a_lane_taken_meanwhile_is_not_taken(store: Store) -> None:
    free = store.lane(TICKER, seconds(60))
    first = taken(store)
    second = store.create(OTHER, claimed(), seconds(60))
    with pytest.raises(Conflict):
        store.take(free, lane(OTHER), second, seconds(60))
    assert both(store) == first
    assert store.read(OTHER, seconds(60)) == second


def test_a_lane_is_not_taken_for_a_claim_another_attempt_has(store: Store) -> None:
    stored = store.create(KEY, claimed(), seconds(60))
    heir = store.replace(stored, claimed("b" * 32), seconds(60))
    with pytest.raises(Conflict):
        store.take(store.lane(TICKER, seconds(60)), lane(), stored, seconds(60))
    assert both(store) == (HeldLane(TICKER, None, None), heir)


def test_a_lane_is_taken_over_by_the_version_found(store: Store) -> None:
    held, _ = taken(store)
    second = store.create(OTHER, claimed(), seconds(60))
    over = store.take(held, lane(OTHER), second, seconds(60))
    assert both(store, OTHER) == over
    with pytest.raises(Conflict):
        store.give_back(held, seconds(60))


def test_the_same_claim_writes_its_lane_anew(store: Store) -> None:
    held, stored = taken(store)
    anew = store.take(held, lane(attempt="b" * 32), stored, seconds(60))
    assert both(store) == anew


def test_an_expired_lane_is_still_held(kind: StoreKind) -> None:
    held, _ = taken(kind.open())
    kind.clock.forward(days=3)
    assert kind.open().lane(TICKER, seconds(60)) == held


def test_marking_writes_claim_and_lane(store: Store) -> None:
    held, stored = taken(store)
    marked = replace(lane(), tag="t" * 20, send_by=NOW)
    claim = sending(stored.claim)
    written = store.mark(stored, claim, held, marked, seconds(60))
    assert both(store) == written[::-1]
    assert (written[0].claim, written[1].lane) == (claim, marked)


def test_a_claim_is_not_marked_once_its_lane_is_somebody_elses(store: Store) -> None:
    held, stored = taken(store)
    second = store.create(OTHER, claimed(), seconds(60))
    over, _ = store.take(held, lane(OTHER), second, seconds(60))
    with pytest.raises(Conflict):
        store.mark(stored, sending(stored.claim), held, lane(), seconds(60))
    assert both(store) == (over, stored)


def test_a_lane_is_not_marked_once_its_claim_is_another_attempts(store: Store) -> None:
    held, stored = taken(store)
    heir = store.replace(stored, claimed("b" * 32), seconds(60))
    with pytest.raises(Conflict):
        store.mark(stored, sending(stored.claim), held, lane(), seconds(60))
    assert both(store) == (held, heir)


def test_a_lane_given_back_is_free(store: Store) -> None:
    held, stored = taken(store)
    store.give_back(held, seconds(60))
    assert both(store) == (HeldLane(TICKER, None, None), stored)


def test_giving_back_what_nobody_held_does_nothing(store: Store) -> None:
    free = store.lane(TICKER, seconds(60))
    held, _ = taken(store)
    store.give_back(free, seconds(60))
    assert store.lane(TICKER, seconds(60)) == held


def test_settling_writes_the_claim_and_frees_the_lane(store: Store) -> None:
    held, stored = taken(store)
    settled = store.settle(stored, done(stored.claim), held, seconds(60))
    assert both(store) == (HeldLane(TICKER, None, None), settled)
    assert settled.claim == done(stored.claim)


def test_settling_without_a_lane_writes_the_claim(store: Store) -> None:
    stored = store.create(KEY, claimed(), seconds(60))
    free = store.lane(TICKER, seconds(60))
    settled = store.settle(stored, done(stored.claim), free, seconds(60))
    assert store.read(KEY, seconds(60)) == settled


def test_a_claim_is_not_settled_with_a_lane_of_somebody_else(store: Store) -> None:
    held, stored = taken(store)
    second = store.create(OTHER, claimed(), seconds(60))
    over, _ = store.take(held, lane(OTHER), second, seconds(60))
    with pytest.raises(Conflict):
        store.settle(stored, done(stored.claim), held, seconds(60))
    assert both(store) == (over, stored)


def test_sixteen_claims_take_a_lane_once(store: Store) -> None:
    free = store.lane(TICKER, seconds(60))
    keys = [f"{place:064x}" for place in range(16)]
    claims = [store.create(key, claimed(), seconds(60)) for key in keys]

    def take(place: int) -> object:
        return store.take(free, lane(keys[place]), claims[place], seconds(20))

    results = race(16, take)
    (winner,) = [place for place, each in enumerate(results) if isinstance(each, tuple)]
    assert both(store, keys[winner]) == results[winner]
    marked = [store.read(key, seconds(60)) for key in keys]
    assert [each for each in marked if each and each.claim.lane] == [marked[winner]]


def test_a_lane_that_cannot_be_read_is_doubtful(kind: StoreKind) -> None:
    held, _ = taken(kind.open())
    documents = kind.documents()
    key = hashlib.sha256(TICKER.encode()).hexdigest()
    broken = Write(LANES, key, {"claim": 5}, held.version)
    documents.commit((broken,), seconds(60))
    with pytest.raises(Doubtful, match="lane"):
        kind.open().lane(TICKER, seconds(60))


@pytest.mark.parametrize("operation", ["lane", "take", "mark", "give_back", "settle"])
def test_without_time_no_lane_is_touched(store: Store, operation: str) -> None:
    held, stored = taken(store)
    sent, none = sending(stored.claim), seconds(0)
    calls: dict[str, Callable[[], object]] = {
        "lane": lambda: store.lane(TICKER, none),
        "take": lambda: store.take(held, lane(), stored, none),
        "mark": lambda: store.mark(stored, sent, held, lane(), none),
        "give_back": lambda: store.give_back(held, none),
        "settle": lambda: store.settle(stored, sent, held, none),
    }
    with pytest.raises(Doubtful):
        calls[operation]()
    assert both(store) == (held, stored)
