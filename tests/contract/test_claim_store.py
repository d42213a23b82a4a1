"""The ClaimStore port: one suite over memory, SQLite and the Firestore emulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import Claim, ClaimStore, State, Stored
from tests.contract.claims_made import NOW, claimed, sending
from tests.contract.conftest import MovingClock, StoreKind, race, seconds
from tests.contract.racer import Racers

KEY = "0" * 63 + "1"
LATER = NOW + timedelta(days=1)


def settled(claim: Claim) -> Claim:
    return replace(claim, state=State.DONE, expires_at=LATER)


def test_a_claim_is_read_as_it_was_created(store: ClaimStore) -> None:
    created = store.create(KEY, claimed(), seconds(5))
    assert store.read(KEY, seconds(5)) == created


def test_every_field_survives(store: ClaimStore) -> None:
    full = sending(claimed())
    store.create(KEY, full, seconds(5))
    found = store.read(KEY, seconds(5))
    assert found is not None
    assert found.claim == full


def test_an_unknown_key_reads_as_nothing(store: ClaimStore) -> None:
    assert store.read(KEY, seconds(5)) is None


def test_a_second_create_finds_the_first(store: ClaimStore) -> None:
    store.create(KEY, claimed("a" * 32), seconds(5))
    with pytest.raises(AlreadyExists):
        store.create(KEY, claimed("b" * 32), seconds(5))


def test_a_refused_create_leaves_the_first_claim(store: ClaimStore) -> None:
    first = store.create(KEY, claimed("a" * 32), seconds(5))
    with pytest.raises(AlreadyExists):
        store.create(KEY, claimed("b" * 32), seconds(5))
    assert store.read(KEY, seconds(5)) == first


def test_a_replace_is_read_back_with_its_version(store: ClaimStore) -> None:
    created = store.create(KEY, claimed(), seconds(5))
    replaced = store.replace(created, sending(created.claim), seconds(5))
    assert store.read(KEY, seconds(5)) == replaced


def test_versions_chain_without_reading(store: ClaimStore) -> None:
    stored = store.create(KEY, claimed(), seconds(5))
    for attempt in "bcd":
        stored = store.replace(stored, claimed(attempt * 32), seconds(5))
    assert store.read(KEY, seconds(5)) == stored


def test_fields_of_the_old_claim_vanish(store: ClaimStore) -> None:
    full = store.create(KEY, sending(claimed()), seconds(5))
    store.replace(full, claimed("b" * 32), seconds(5))
    found = store.read(KEY, seconds(5))
    assert found is not None
    assert found.claim == claimed("b" * 32)


def test_a_slow_first_owner_writes_over_nothing(store: ClaimStore) -> None:
    first = store.create(KEY, claimed("a" * 32), seconds(5))
    second = store.replace(first, claimed("b" * 32), seconds(5))
    with pytest.raises(Conflict):
        store.replace(first, settled(first.claim), seconds(5))
    assert store.read(KEY, seconds(5)) == second


def test_an_equal_write_over_an_old_version_conflicts(store: ClaimStore) -> None:
    first = store.create(KEY, claimed("a" * 32), seconds(5))
    store.replace(first, claimed("a" * 32), seconds(5))
    with pytest.raises(Conflict):
        store.replace(first, claimed("a" * 32), seconds(5))


def test_a_replace_of_nothing_conflicts(store: ClaimStore) -> None:
    other = store.create(KEY, claimed(), seconds(5))
    with pytest.raises(Conflict):
        store.replace(replace(other, key="f" * 64), claimed(), seconds(5))


def test_another_instance_can_replace_what_it_read(kind: StoreKind) -> None:
    kind.open().create(KEY, claimed(), seconds(5))
    other = kind.open()
    stored = other.read(KEY, seconds(5))
    assert stored is not None
    replaced = other.replace(stored, settled(stored.claim), seconds(5))
    assert kind.open().read(KEY, seconds(5)) == replaced


def test_an_expired_claim_is_still_read(kind: StoreKind) -> None:
    created = kind.open().create(KEY, settled(claimed()), seconds(5))
    kind.clock.forward(days=2)
    assert kind.open().read(KEY, seconds(5)) == created


def test_only_watched_claims_are_found(store: ClaimStore) -> None:
    open_ = store.create("1" * 64, claimed(), seconds(5))
    store.create("2" * 64, settled(claimed()), seconds(5))
    assert store.watched(10, seconds(5)) == (open_,)


def test_a_settled_claim_is_no_longer_found(store: ClaimStore) -> None:
    created = store.create(KEY, claimed(), seconds(5))
    store.replace(created, settled(created.claim), seconds(5))
    assert store.watched(10, seconds(5)) == ()


def test_the_oldest_touch_is_found_first(store: ClaimStore) -> None:
    for key, minutes in (("1", 3), ("2", 1), ("3", 2)):
        store.create(key * 64, claimed(minutes=minutes), seconds(5))
    found = [stored.key[0] for stored in store.watched(2, seconds(5))]
    assert found == ["2", "3"]


def test_what_is_found_can_be_replaced(store: ClaimStore) -> None:
    store.create(KEY, claimed(), seconds(5))
    (found,) = store.watched(10, seconds(5))
    replaced = store.replace(found, settled(found.claim), seconds(5))
    assert store.read(KEY, seconds(5)) == replaced


def test_once_is_true_once(store: ClaimStore) -> None:
    told = [store.once("refresh 1", LATER, seconds(5)) for _ in range(3)]
    assert told == [True, False, False]


def test_once_tells_names_apart(store: ClaimStore) -> None:
    store.once("refresh 1", LATER, seconds(5))
    assert store.once("refresh 2", LATER, seconds(5))


def test_once_holds_across_instances(kind: StoreKind) -> None:
    kind.open().once("refresh 1", LATER, seconds(5))
    assert not kind.open().once("refresh 1", LATER, seconds(5))


@pytest.mark.parametrize(
    ("after", "first"),
    [
        pytest.param(timedelta(microseconds=-1), False, id="just before its end"),
        pytest.param(timedelta(0), True, id="at its end"),
        pytest.param(timedelta(days=3), True, id="long after"),
    ],
)
def test_once_expires_by_the_clock(
    store: ClaimStore, clock: MovingClock, after: timedelta, first: bool
) -> None:
    store.once("notice", LATER, seconds(5))
    clock.now = LATER + after
    assert store.once("notice", LATER + timedelta(days=9), seconds(5)) is first


def test_a_name_taken_over_is_taken(store: ClaimStore, clock: MovingClock) -> None:
    store.once("notice", LATER, seconds(5))
    clock.now = LATER
    store.once("notice", LATER + timedelta(days=9), seconds(5))
    assert not store.once("notice", LATER + timedelta(days=9), seconds(5))


def test_a_name_is_known_until_it_expires(store: ClaimStore) -> None:
    assert not store.named("refusal", seconds(5))
    store.once("refusal", NOW + timedelta(minutes=1), seconds(5))
    store.once("over", NOW - timedelta(minutes=1), seconds(5))
    assert store.named("refusal", seconds(5))
    assert not store.named("over", seconds(5))


def test_what_is_forgotten_can_be_the_first_again(store: ClaimStore) -> None:
    later = NOW + timedelta(minutes=1)
    assert store.once("closing", later, seconds(5))
    store.forget("closing", seconds(5))
    store.forget("never named", seconds(5))
    assert store.once("closing", later, seconds(5))


@pytest.mark.parametrize("operation", ["create", "read", "replace", "watched", "once"])
def test_without_time_nothing_is_asked(store: ClaimStore, operation: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: store.create(KEY, claimed(), seconds(0)),
        "read": lambda: store.read(KEY, seconds(0)),
        "replace": lambda: store.replace(
            Stored(KEY, claimed(), "2026-11-24T04:00:00Z"), claimed(), seconds(0)
        ),
        "watched": lambda: store.watched(1, seconds(0)),
        "once": lambda: store.once("x", LATER, seconds(0)),
    }
    with pytest.raises(Doubtful):
        calls[operation]()


@pytest.mark.parametrize("lap", range(3))
def test_sixteen_threads_make_one_claim(store: ClaimStore, lap: int) -> None:
    def create(place: int) -> Stored:
        return store.create(KEY, claimed(f"{place:032x}"), seconds(20))

    results = race(16, create)
    winners = [result for result in results if isinstance(result, Stored)]
    assert Counter(type(result) for result in results) == {Stored: 1, AlreadyExists: 15}
    assert store.read(KEY, seconds(5)) == winners[0]


@pytest.mark.parametrize("lap", range(3))
def test_sixteen_threads_replace_a_version_once(store: ClaimStore, lap: int) -> None:
    created = store.create(KEY, claimed(), seconds(20))
    results = race(16, lambda _: store.replace(created, claimed("b" * 32), seconds(20)))
    winners = [result for result in results if isinstance(result, Stored)]
    assert winners == [store.read(KEY, seconds(5))]


def test_sixteen_threads_take_over_an_expired_name_once(
    store: ClaimStore, clock: MovingClock
) -> None:
    store.once("notice", LATER, seconds(5))
    clock.now = LATER
    end = LATER + timedelta(days=1)
    results = race(16, lambda _: store.once("notice", end, seconds(20)))
    assert results.count(True) == 1


@pytest.fixture
def racers(kind: StoreKind) -> Iterator[Racers]:
    racers = Racers(8, kind.name, kind.address, kind.env)
    yield racers
    racers.close()


@pytest.mark.parametrize("kind", ["sqlite", "firestore"], indirect=True)
def test_eight_processes_agree_on_one_winner(racers: Racers, store: ClaimStore) -> None:
    for lap in range(6):
        key = f"{lap:064x}"
        for operation in ("create", "replace"):
            outcome = racers.race(operation, key)
            winners = [name for name, said in outcome.items() if said == "won"]
            stored = store.read(key, seconds(5))
            assert stored is not None
            assert winners == [stored.claim.attempt], (operation, outcome)
        assert Counter(racers.race("once", f"name-{lap}").values())["won"] == 1
