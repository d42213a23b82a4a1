"""The Kept port: one value, written only over the version that was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pytest

from shared.adapters.documents import Write
from shared.adapters.kept import KeptDocument
from shared.errors import Conflict, Doubtful
from shared.models import Kept
from tests.contract.claims_made import NOW
from tests.contract.conftest import StoreKind, seconds


@dataclass(frozen=True, slots=True)
class Told:
    """One thing the owner was told."""

    ticker: str
    at: datetime
    loss: Decimal | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All of them."""

    told: tuple[Told, ...] = ()
    runs: int = 0
    blind: bool = False


FULL = State((Told("NSE:A", NOW, Decimal("-12.50")), Told("NSE:B", NOW)), 3, True)


@pytest.fixture
def kept(kind: StoreKind) -> Kept[State]:
    return _open(kind)


def _open(kind: StoreKind) -> Kept[State]:
    return KeptDocument(kind.documents(), "guard", "state", State)


def test_at_first_there_is_no_value(kept: Kept[State]) -> None:
    assert kept.read(seconds(60)) == (None, None)


@pytest.mark.parametrize("value", [State(), FULL], ids=["empty", "full"])
def test_a_value_is_read_as_it_was_written(kind: StoreKind, value: State) -> None:
    version = _open(kind).write(value, None, seconds(60))
    assert _open(kind).read(seconds(60)) == (value, version)


def test_a_value_is_replaced_by_its_version(kept: Kept[State]) -> None:
    first = kept.write(FULL, None, seconds(60))
    second = kept.write(State(runs=4), first, seconds(60))
    assert kept.read(seconds(60)) == (State(runs=4), second)


def test_a_value_somebody_wrote_meanwhile_stays(kept: Kept[State]) -> None:
    first = kept.write(FULL, None, seconds(60))
    second = kept.write(State(runs=4), first, seconds(60))
    for version in (None, first):
        with pytest.raises(Conflict):
            kept.write(FULL, version, seconds(60))
    assert kept.read(seconds(60)) == (State(runs=4), second)


def test_a_deleted_value_is_gone(kept: Kept[State]) -> None:
    version = kept.write(FULL, None, seconds(60))
    kept.delete(version, seconds(60))
    assert kept.read(seconds(60)) == (None, None)
    with pytest.raises(Conflict):
        kept.delete(version, seconds(60))


def test_values_are_kept_apart_by_their_key(kind: StoreKind) -> None:
    _open(kind).write(FULL, None, seconds(60))
    other = KeptDocument(kind.documents(), "guard", "other", State)
    assert other.read(seconds(60)) == (None, None)


def test_a_document_of_another_kind_is_doubtful(kind: StoreKind) -> None:
    write = Write("guard", "state", {"runs": "many"}, None)
    kind.documents().commit((write,), seconds(60))
    with pytest.raises(Doubtful, match="guard/state"):
        _open(kind).read(seconds(60))


@pytest.mark.parametrize("operation", ["read", "write", "delete"])
def test_without_time_nothing_is_asked(kept: Kept[State], operation: str) -> None:
    version = kept.write(FULL, None, seconds(60))
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: kept.read(seconds(0)),
        "write": lambda: kept.write(State(), version, seconds(0)),
        "delete": lambda: kept.delete(version, seconds(0)),
    }
    with pytest.raises(Doubtful):
        calls[operation]()
    assert kept.read(seconds(60)) == (FULL, version)
