"""The SymbolStore port over memory, files and Cloud Storage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.standins.bucket import Bucket
from shared.adapters.files import FileSymbols
from shared.adapters.gcs import GcsSymbols
from shared.errors import Doubtful
from shared.symbols import SymbolStore
from tests.contract.conftest import race, seconds
from tests.fakes.symbols import MemorySymbols
from tests.support.stopwatch import Stopwatch

PLACE = ("bucket", "symbols/NSE_FO.zip")


def in_gcs() -> GcsSymbols:
    return GcsSymbols("demo", *PLACE, os.environ["STORAGE_EMULATOR_HOST"], None)


@pytest.fixture(params=["memory", "files", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SymbolStore]:
    if request.param == "memory":
        yield MemorySymbols()
    elif request.param == "files":
        yield FileSymbols(tmp_path / "symbols" / "NSE_FO.zip")
    else:
        request.getfixturevalue("gcs")
        yield in_gcs()


def test_nothing_is_stored_at_first(store: SymbolStore) -> None:
    assert store.read(seconds(60)) is None


def test_a_snapshot_is_read_as_it_was_written(store: SymbolStore) -> None:
    snapshot = bytes(range(256)) * 4000 + b"\r\n--\r\n"
    store.write(snapshot, seconds(60))
    assert store.read(seconds(60)) == snapshot


def test_a_later_snapshot_replaces_the_first(store: SymbolStore) -> None:
    store.write(b"one, and longer", seconds(60))
    store.write(b"two", seconds(60))
    assert store.read(seconds(60)) == b"two"


def test_a_reader_sees_one_snapshot_or_the_other_whole(store: SymbolStore) -> None:
    whole = (b"a" * 500_000, b"b" * 500_000)
    store.write(whole[0], seconds(60))

    def act(place: int) -> object:
        if place == 0:
            for lap in range(6):
                store.write(whole[lap % 2], seconds(60))
            return True
        return all(store.read(seconds(60)) in whole for _ in range(6))

    assert race(4, act) == [True] * 4


def test_a_file_for_a_folder_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "symbols").write_text("in the way")
    with pytest.raises(Doubtful):
        FileSymbols(tmp_path / "symbols" / "x.zip").write(b"", seconds(60))


def test_a_write_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "x.zip").mkdir()
    with pytest.raises(Doubtful):
        FileSymbols(tmp_path / "x.zip").write(b"", seconds(60))
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_a_silent_server_is_doubtful_in_time(gcs: Bucket) -> None:
    gcs.script.hang = 1
    with Stopwatch() as took, pytest.raises(Doubtful):
        in_gcs().read(seconds(0.3))
    assert took.seconds < 0.45


def test_a_broken_download_is_doubtful(gcs: Bucket) -> None:
    gcs.put(PLACE, b"snapshot", None)
    gcs.script.corrupt = 1
    with pytest.raises(Doubtful):
        in_gcs().read(seconds(60))
