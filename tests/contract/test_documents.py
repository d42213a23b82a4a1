"""The Documents port: one suite over memory, SQLite and the Firestore emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.adapters.documents import Document, Documents, Plain, Write
from shared.errors import AlreadyExists, Conflict, Doubtful
from shared.models import Deadline
from tests.contract.conftest import race, seconds

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
FULL: Mapping[str, Plain] = {
    "text": "₹ and ✓",
    "empty": "",
    "number": -5,
    "big": 2**53 + 1,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": ["a", 1, {}, {"deep": ["er", {"est": []}]}],
    "map": {"a": {"b": {"c": 1}}},
}


def made(documents: Documents, *keys: str, collection: str = "alerts") -> list[str]:
    """Create documents; return their versions."""
    writes = [Write(collection, key, {"by": "the first"}, None) for key in keys]
    return list(documents.commit(writes, seconds(60)))


def by(documents: Documents, *keys: str) -> list[Plain]:
    """Return who wrote each document last, None of one that is not there."""
    found = [documents.get("alerts", key, seconds(60)) for key in keys]
    return [None if each is None else each.fields["by"] for each in found]


def over(key: str, version: str | None) -> Write:
    return Write("alerts", key, {"by": "the second"}, version)


def test_a_document_comes_back_with_its_version(documents: Documents) -> None:
    (version,) = documents.commit((Write("alerts", "1", FULL, None),), seconds(60))
    assert documents.get("alerts", "1", seconds(60)) == Document("1", FULL, version)


def test_truth_and_number_stay_two_things(documents: Documents) -> None:
    documents.commit((Write("alerts", "1", {"a": True, "b": 1}, None),), seconds(60))
    found = documents.get("alerts", "1", seconds(60))
    assert found is not None
    assert (type(found.fields["a"]), type(found.fields["b"])) == (bool, int)


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param(NOW, id="whole second"),
        pytest.param(NOW + timedelta(microseconds=1), id="a microsecond"),
        pytest.param(datetime(1969, 12, 31, 23, 59, 59, 1, UTC), id="before 1970"),
    ],
)
def test_an_instant_comes_back_to_the_microsecond(
    documents: Documents, instant: datetime
) -> None:
    documents.commit((Write("alerts", "1", {"at": instant}, None),), seconds(60))
    found = documents.get("alerts", "1", seconds(60))
    assert found is not None
    at = found.fields["at"]
    assert (datetime.fromisoformat(at) if isinstance(at, str) else at) == instant


def test_collections_are_kept_apart(documents: Documents) -> None:
    made(documents, "1", collection="lanes")
    assert documents.get("alerts", "1", seconds(60)) is None
    made(documents, "1")


def test_a_write_replaces_the_whole_document(documents: Documents) -> None:
    (first,) = documents.commit((Write("alerts", "1", FULL, None),), seconds(60))
    documents.commit((over("1", first),), seconds(60))
    found = documents.get("alerts", "1", seconds(60))
    assert found is not None
    assert found.fields == {"by": "the second"}


def test_an_equal_write_makes_a_new_version(documents: Documents) -> None:
    versions = made(documents, "1")
    for _ in range(3):
        again = Write("alerts", "1", {"by": "the first"}, versions[-1])
        versions += documents.commit((again,), seconds(60))
    assert len(set(versions)) == 4


def test_versions_of_one_commit_fit_its_documents(documents: Documents) -> None:
    one, two = made(documents, "1", "2")
    assert documents.commit((over("2", two), over("1", one)), seconds(60))
    assert by(documents, "1", "2") == ["the second", "the second"]


def test_a_deleted_document_is_gone(documents: Documents) -> None:
    (version,) = made(documents, "1")
    gone = documents.commit((Write("alerts", "1", None, version),), seconds(60))
    assert (gone, by(documents, "1")) == (("",), [None])


def test_a_delete_of_an_old_version_conflicts(documents: Documents) -> None:
    (first,) = made(documents, "1")
    documents.commit((over("1", first),), seconds(60))
    with pytest.raises(Conflict):
        documents.commit((Write("alerts", "1", None, first),), seconds(60))
    assert by(documents, "1") == ["the second"]


def test_a_delete_of_what_is_gone_conflicts(documents: Documents) -> None:
    (version,) = made(documents, "1")
    documents.commit((Write("alerts", "1", None, version),), seconds(60))
    with pytest.raises(Conflict):
        documents.commit((Write("alerts", "1", None, version),), seconds(60))


def test_a_document_made_again_is_not_the_old_one(documents: Documents) -> None:
    (old,) = made(documents, "1")
    documents.commit((Write("alerts", "1", None, old),), seconds(60))
    made(documents, "1")
    for write in (over("1", old), Write("alerts", "1", None, old)):
        with pytest.raises(Conflict):
            documents.commit((write,), seconds(60))


def test_a_delete_must_name_its_version() -> None:
    with pytest.raises(ValueError, match="version"):
        Write("alerts", "1", None, None)


def test_new_documents_are_made_all_or_none(documents: Documents) -> None:
    made(documents, "2")
    with pytest.raises(AlreadyExists):
        made(documents, "1", "2", "3")
    assert by(documents, "1", "2", "3") == [None, "the first", None]


@pytest.mark.parametrize("stale", ["1", "2"])
def test_replaces_are_made_both_or_neither(documents: Documents, stale: str) -> None:
    versions = dict(zip("12", made(documents, "1", "2"), strict=True))
    documents.commit((over(stale, versions[stale]),), seconds(60))
    with pytest.raises(Conflict):
        documents.commit([over(*each) for each in versions.items()], seconds(60))
    kept = {"1": "the first", "2": "the first"} | {stale: "the second"}
    assert by(documents, "1", "2") == list(kept.values())


@pytest.mark.parametrize("order", [1, -1])
def test_a_replace_beside_a_create_that_meets_one_conflicts(
    documents: Documents, order: int
) -> None:
    one, _ = made(documents, "1", "2")
    with pytest.raises(Conflict):
        documents.commit([over("1", one), over("2", None)][::order], seconds(60))
    assert by(documents, "1", "2") == ["the first", "the first"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_create_beside_a_stale_replace_is_not_made(
    documents: Documents, order: int
) -> None:
    (old,) = made(documents, "1")
    documents.commit((over("1", old),), seconds(60))
    with pytest.raises(Conflict):
        documents.commit([over("1", old), over("2", None)][::order], seconds(60))
    assert by(documents, "2") == [None]


def test_a_delete_beside_a_stale_replace_is_not_made(documents: Documents) -> None:
    old, lane = made(documents, "1", "2")
    documents.commit((over("1", old),), seconds(60))
    with pytest.raises(Conflict):
        documents.commit(
            (Write("alerts", "2", None, lane), over("1", old)), seconds(60)
        )
    assert by(documents, "2") == ["the first"]


def test_sixteen_commits_of_two_documents_leave_one_pair(documents: Documents) -> None:
    one, two = made(documents, "1", "2")

    def write(place: int) -> tuple[str, ...]:
        fields: Mapping[str, Plain] = {"by": place}
        # In either order, so that two of them could hold one document each.
        pair = [Write("alerts", "1", fields, one), Write("alerts", "2", fields, two)]
        return documents.commit(pair[:: 1 if place % 2 else -1], seconds(20))

    done = race(16, write)
    (winner,) = [n for n, result in enumerate(done) if isinstance(result, tuple)]
    assert by(documents, "1", "2") == [winner, winner]
    losers = [result for n, result in enumerate(done) if n != winner]
    assert {type(result) for result in losers} <= {Conflict, Doubtful}


def found(
    documents: Documents,
    field: str,
    equals: str | None = None,
    limit: int | None = None,
) -> list[str]:
    """Return the keys of what is found."""
    rows = documents.find("alerts", field, equals, limit, seconds(60))
    return [row.key for row in rows]


def make(documents: Documents, **fields: Mapping[str, Plain]) -> None:
    """Create a document of each name, in one commit."""
    writes = [Write("alerts", key, each, None) for key, each in fields.items()]
    documents.commit(writes, seconds(60))


def test_equal_fields_are_found(documents: Documents) -> None:
    make(documents, a={"ledger": "X"}, b={"ledger": "Y"}, c={"ledger": "X"}, d={})
    assert sorted(found(documents, "ledger", "X")) == ["a", "c"]


def test_what_is_found_is_whole_and_can_be_replaced(documents: Documents) -> None:
    make(documents, a={"ledger": "X", "list": [1, {"b": None}]})
    (row,) = documents.find("alerts", "ledger", "X", None, seconds(60))
    assert row == documents.get("alerts", "a", seconds(60))
    documents.commit((over("a", row.version),), seconds(60))
    assert found(documents, "ledger", "X") == []


def test_with_no_value_every_document_with_the_field_is_found_in_order(
    documents: Documents,
) -> None:
    make(documents, a={"ledger": "Z"}, b={}, c={"ledger": "X"}, d={"ledger": "Y"})
    assert found(documents, "ledger") == ["c", "d", "a"]


def test_instants_are_found_in_their_order(documents: Documents) -> None:
    ist = timezone(timedelta(hours=5, minutes=30))
    later = {
        "a": NOW + timedelta(seconds=2),
        "b": NOW + timedelta(seconds=1, microseconds=1),
        "c": (NOW + timedelta(seconds=1)).astimezone(ist),
        "d": NOW,
    }
    make(documents, **{key: {"watched_at": at} for key, at in later.items()})
    assert found(documents, "watched_at") == ["d", "c", "b", "a"]


def test_no_more_than_the_limit_is_found(documents: Documents) -> None:
    make(documents, **{key: {"day": key} for key in "cab"})
    assert found(documents, "day", limit=2) == ["a", "b"]


def test_another_collection_is_not_found(documents: Documents) -> None:
    documents.commit((Write("lanes", "1", {"ledger": "X"}, None),), seconds(60))
    assert found(documents, "ledger") == found(documents, "ledger", "X") == []


def test_only_the_fields_that_are_searched_have_an_index(documents: Documents) -> None:
    with pytest.raises((KeyError, ValueError)):
        found(documents, "reason")


def test_a_fresh_instance_is_ready_after_warming(documents: Documents) -> None:
    documents.warm(seconds(60))
    made(documents, "1")


OPERATIONS: dict[str, Callable[[Documents, Deadline], object]] = {
    "get": lambda documents, limit: documents.get("alerts", "1", limit),
    "commit": lambda documents, limit: documents.commit((over("1", None),), limit),
    "find": lambda documents, limit: documents.find("alerts", "day", None, 1, limit),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_time_nothing_is_asked(documents: Documents, operation: str) -> None:
    with pytest.raises(Doubtful):
        OPERATIONS[operation](documents, seconds(0))
    assert documents.get("alerts", "1", seconds(60)) is None
