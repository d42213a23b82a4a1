"""The ClaimStore port: one suite over memory, SQLite and the Firestore emulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from shared.adapters.store import Store
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.idempotency import Claim, Claimed, StoredAt
from shared.models import Deadline
from tests.contract.claims_made import FULL, LATER, NOW, claimed, done, sending
from tests.contract.conftest import MovingClock, StoreKind, race, seconds
from tests.contract.racer import Racers

KEY = "0" * 63 + "1"
KEPT = "0" * 63 + "2"


def test_a_claim_is_read_as_it_was_created(store: Store) -> None:
    created = store.create(KEY, claimed(), seconds(60))
    assert store.read(KEY, seconds(60)) == created


@pytest.mark.parametrize("full", FULL, ids=lambda claim: claim.state)
def test_every_field_survives(store: Store, full: Claim) -> None:
    store.create(KEY, full, seconds(60))
    found = store.read(KEY, seconds(60))
    assert found is not None
    assert found.claim == full


def test_a_claim_written_anew_elsewhere_is_read_anew(
    store: Store, kind: StoreKind
) -> None:
    other = kind.open()
    created = store.create(KEY, claimed(), seconds(60))
    assert store.read(KEY, seconds(60)) == created
    moved = other.replace(created, sending(created.claim), seconds(60))
    assert store.read(KEY, seconds(60)) == moved


def test_an_unknown_key_reads_as_nothing(store: Store) -> None:
    assert store.read(KEY, seconds(60)) is None


def test_a_refused_create_leaves_the_first_claim(store: Store) -> None:
    first = store.create(KEY, claimed("a" * 32), seconds(60))
    with pytest.raises(AlreadyExists):
        store.create(KEY, claimed("b" * 32), seconds(60))
    assert store.read(KEY, seconds(60)) == first


def test_a_replace_is_read_back_with_its_version(store: Store) -> None:
    created = store.create(KEY, claimed(), seconds(60))
    replaced = store.replace(created, sending(created.claim), seconds(60))
    assert store.read(KEY, seconds(60)) == replaced


def test_versions_chain_without_reading(store: Store) -> None:
    stored = store.create(KEY, claimed(), seconds(60))
    for attempt in "bcd":
        stored = store.replace(stored, claimed(attempt * 32), seconds(60))
    assert store.read(KEY, seconds(60)) == stored


def test_a_slow_first_owner_writes_over_nothing(store: Store) -> None:
    first = store.create(KEY, claimed("a" * 32), seconds(60))
    second = store.replace(first, claimed("b" * 32), seconds(60))
    with pytest.raises(Conflict):
        store.replace(first, done(first.claim), seconds(60))
    assert store.read(KEY, seconds(60)) == second


def test_a_replace_of_nothing_conflicts(store: Store) -> None:
    other = store.create(KEY, claimed(), seconds(60))
    with pytest.raises(Conflict):
        store.replace(replace(other, key="f" * 64), claimed(), seconds(60))


def test_another_instance_can_replace_what_it_read(kind: StoreKind) -> None:
    kind.open().create(KEY, claimed(), seconds(60))
    other = kind.open()
    stored = other.read(KEY, seconds(60))
    assert stored is not None
    replaced = other.replace(stored, done(stored.claim), seconds(60))
    assert kind.open().read(KEY, seconds(60)) == replaced


def test_an_expired_claim_is_still_read(kind: StoreKind) -> None:
    created = kind.open().create(KEY, done(claimed()), seconds(60))
    kind.clock.forward(days=2)
    assert kind.open().read(KEY, seconds(60)) == created


def test_only_watched_claims_are_found(store: Store) -> None:
    open_ = store.create("1" * 64, claimed(), seconds(60))
    store.create("2" * 64, done(claimed()), seconds(60))
    assert store.watched(10, seconds(60)) == (open_,)


def test_the_oldest_touch_is_found_first(store: Store) -> None:
    for key, minutes in (("1", 3), ("2", 1), ("3", 2)):
        store.create(key * 64, claimed(minutes=minutes), seconds(60))
    found = [stored.key[0] for stored in store.watched(2, seconds(60))]
    assert found == ["2", "3"]


def test_the_ledger_is_found_by_contract(store: Store) -> None:
    for key, ticker, minutes in (
        ("1", "A", 3),
        ("2", "B", 2),
        ("3", "", 1),
        ("4", "A", 0),
    ):
        at = NOW + timedelta(minutes=minutes)
        claim = replace(claimed(), ledger=ticker, created_at=at)
        store.create(key * 64, claim, seconds(60))
    assert [each.key[0] for each in store.ledger("A", seconds(60))] == ["4", "1"]
    assert [each.key[0] for each in store.ledger(None, seconds(60))] == ["4", "2", "1"]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        pytest.param("2026-11-23T18:29:59.999999+00:00", 23, id="before midnight"),
        pytest.param("2026-11-23T18:30:00+00:00", 24, id="midnight in India"),
        pytest.param("2026-11-24T00:00:00+05:30", 24, id="said in India's time"),
    ],
)
def test_claims_are_found_by_their_day_in_india(
    store: Store, at: str, day: int
) -> None:
    claim = replace(claimed(), created_at=datetime.fromisoformat(at))
    stored = store.create(KEY, claim, seconds(60))
    found = {n: store.of_day(date(2026, 11, n), seconds(60)) for n in (23, 24)}
    assert found == {23: (), 24: ()} | {day: (stored,)}


def test_a_days_claims_come_oldest_first(store: Store) -> None:
    for key, minutes in (("1", 3), ("2", 1), ("3", 2)):
        at = NOW + timedelta(minutes=minutes)
        store.create(key * 64, replace(claimed(), created_at=at), seconds(60))
    found = store.of_day(date(2026, 11, 24), seconds(60))
    assert [each.key[0] for each in found] == ["2", "3", "1"]


def test_a_superseded_claim_is_kept_under_another_key(store: Store) -> None:
    old = store.create(KEY, done(sending(claimed())), seconds(60))
    new = store.supersede(old, claimed("b" * 32), KEPT, seconds(60))
    kept = store.read(KEPT, seconds(60))
    assert (store.read(KEY, seconds(60)), new.claim) == (new, claimed("b" * 32))
    assert kept is not None
    assert kept.claim == old.claim


def test_a_claim_changed_meanwhile_is_neither_superseded_nor_kept(store: Store) -> None:
    old = store.create(KEY, claimed(), seconds(60))
    now = store.replace(old, claimed("b" * 32), seconds(60))
    with pytest.raises(Conflict):
        store.supersede(old, claimed("c" * 32), KEPT, seconds(60))
    assert (store.read(KEY, seconds(60)), store.read(KEPT, seconds(60))) == (now, None)


def test_nothing_is_superseded_over_what_is_kept_already(store: Store) -> None:
    old = store.create(KEY, claimed(), seconds(60))
    kept = store.create(KEPT, claimed("c" * 32), seconds(60))
    with pytest.raises(Conflict):
        store.supersede(old, claimed("b" * 32), KEPT, seconds(60))
    assert (store.read(KEY, seconds(60)), store.read(KEPT, seconds(60))) == (old, kept)


def purged_at(kind: StoreKind, claim: Claim) -> object:
    """Store a claim; return the instant from which its document may be deleted."""
    Store(kind.documents(), kind.clock, journal_days=30).create(KEY, claim, seconds(60))
    found = kind.documents().get("alerts", KEY, seconds(60))
    assert found is not None
    at = found.fields.get("purge_at")
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def test_a_claim_nobody_watches_is_purged_days_after_its_last_touch(
    kind: StoreKind,
) -> None:
    touched = NOW + timedelta(hours=1)
    claim = done(replace(claimed(), touched_at=touched))
    assert purged_at(kind, claim) == touched + timedelta(days=30)


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(claimed(), id="watched by reconcile"),
        pytest.param(replace(done(claimed()), ledger="A"), id="in the ledger"),
    ],
)
def test_a_claim_that_is_watched_is_never_purged(kind: StoreKind, claim: Claim) -> None:
    assert purged_at(kind, claim) is None


def test_once_is_true_once(store: Store) -> None:
    told = [store.once("refresh 1", LATER, seconds(60)) for _ in range(3)]
    assert told == [True, False, False]


def test_once_tells_names_apart(store: Store) -> None:
    store.once("refresh 1", LATER, seconds(60))
    assert store.once("refresh 2", LATER, seconds(60))


def test_once_holds_across_instances(kind: StoreKind) -> None:
    kind.open().once("refresh 1", LATER, seconds(60))
    assert not kind.open().once("refresh 1", LATER, seconds(60))


@pytest.mark.parametrize(
    ("after", "first"),
    [
        pytest.param(timedelta(microseconds=-1), False, id="just before its end"),
        pytest.param(timedelta(0), True, id="at its end"),
        pytest.param(timedelta(days=3), True, id="long after"),
    ],
)
def test_once_expires_by_the_clock(
    store: Store, clock: MovingClock, after: timedelta, first: bool
) -> None:
    store.once("notice", LATER, seconds(60))
    clock.now = LATER + after
    assert store.once("notice", LATER + timedelta(days=9), seconds(60)) is first


def test_a_name_taken_over_is_taken(store: Store, clock: MovingClock) -> None:
    store.once("notice", LATER, seconds(60))
    clock.now = LATER
    store.once("notice", LATER + timedelta(days=9), seconds(60))
    assert not store.once("notice", LATER + timedelta(days=9), seconds(60))


def test_a_name_is_known_until_it_expires(store: Store) -> None:
    assert not store.named("refusal", seconds(60))
    store.once("refusal", NOW + timedelta(minutes=1), seconds(60))
    store.once("over", NOW - timedelta(minutes=1), seconds(60))
    assert store.named("refusal", seconds(60))
    assert not store.named("over", seconds(60))


def test_what_is_forgotten_can_be_the_first_again(store: Store) -> None:
    later = NOW + timedelta(minutes=1)
    assert store.once("closing", later, seconds(60))
    store.forget("closing", seconds(60))
    store.forget("never named", seconds(60))
    assert store.once("closing", later, seconds(60))


OLD = StoredAt(KEY, claimed(), "1.000000000")
OPERATIONS: dict[str, Callable[[Store, Deadline], object]] = {
    "create": lambda store, limit: store.create(KEY, claimed(), limit),
    "read": lambda store, limit: store.read(KEY, limit),
    "replace": lambda store, limit: store.replace(OLD, claimed(), limit),
    "supersede": lambda store, limit: store.supersede(OLD, claimed(), KEPT, limit),
    "watched": lambda store, limit: store.watched(1, limit),
    "ledger": lambda store, limit: store.ledger(None, limit),
    "of_day": lambda store, limit: store.of_day(NOW.date(), limit),
    "once": lambda store, limit: store.once("x", LATER, limit),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_time_nothing_is_asked(store: Store, operation: str) -> None:
    with pytest.raises(Doubtful):
        OPERATIONS[operation](store, seconds(0))


@pytest.mark.parametrize("lap", range(3))
def test_sixteen_threads_make_one_claim(store: Store, lap: int) -> None:
    def create(place: int) -> StoredAt[Claimed]:
        return store.create(KEY, claimed(f"{place:032x}"), seconds(20))

    results = race(16, create)
    winners = [result for result in results if isinstance(result, StoredAt)]
    assert Counter(type(result) for result in results) == {
        StoredAt: 1,
        AlreadyExists: 15,
    }
    assert store.read(KEY, seconds(60)) == winners[0]


def test_sixteen_threads_take_over_an_expired_name_once(
    store: Store, clock: MovingClock
) -> None:
    store.once("notice", LATER, seconds(60))
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
def test_eight_processes_agree_on_one_winner(racers: Racers, store: Store) -> None:
    for lap in range(6):
        key = f"{lap:064x}"
        for operation in ("create", "replace"):
            outcome = racers.race(operation, key)
            winners = [name for name, said in outcome.items() if said == "won"]
            stored = store.read(key, seconds(60))
            assert stored is not None
            assert winners == [stored.claim.attempt], (operation, outcome)
        taken = racers.race("take", key)
        lane = store.lane(key, seconds(60)).lane
        assert lane is not None
        winners = [name for name, said in taken.items() if said == "won"]
        assert winners == [lane.attempt], taken
        assert Counter(racers.race("once", f"name-{lap}").values())["won"] == 1
