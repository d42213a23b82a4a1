"""The TokenStore port over memory, files and Cloud Storage, and what each suffers."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.standins.bucket import Bucket
from shared.adapters import token_codec
from shared.adapters.files import FileTokens
from shared.adapters.gcs import GcsTokens
from shared.errors import Conflict, Doubtful
from shared.tokens import TokenStore
from tests.contract.conftest import race, seconds
from tests.fakes.login import MemoryTokens, token
from tests.support.stopwatch import Stopwatch

BOUND = 0.4
SLACK = 0.15
PLACE = ("bucket", "tokens/tokens.json")


@dataclass
class Kind:
    name: str
    open: Callable[[], TokenStore]


def in_files(tmp_path: Path) -> FileTokens:
    return FileTokens(tmp_path / "tokens" / "tokens.json", time.sleep)


def in_gcs() -> GcsTokens:
    return GcsTokens("demo", *PLACE, os.environ["STORAGE_EMULATOR_HOST"], None)


@pytest.fixture(params=["memory", "files", "gcs"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    if request.param == "memory":
        only = MemoryTokens()
        yield Kind("memory", lambda: only)
    elif request.param == "files":
        yield Kind("files", lambda: in_files(tmp_path))
    else:
        request.getfixturevalue("gcs")
        yield Kind("gcs", in_gcs)


@pytest.fixture
def store(kind: Kind) -> TokenStore:
    return kind.open()


def test_nothing_is_stored_at_first(store: TokenStore) -> None:
    assert store.read(seconds(60)) is None


@pytest.mark.parametrize("refresh", ["later", None])
def test_a_token_is_read_as_it_was_written(
    store: TokenStore, refresh: str | None
) -> None:
    written = token(refresh=refresh)
    store.write(written, 0, seconds(60))
    found = store.read(seconds(60))
    assert found is not None
    assert found.token == written


def test_a_write_returns_the_generation_that_is_read(store: TokenStore) -> None:
    generation = store.write(token(), 0, seconds(60))
    found = store.read(seconds(60))
    assert found is not None
    assert found.generation == generation


def test_generations_chain_without_reading(store: TokenStore) -> None:
    generation = 0
    for name in "abc":
        generation = store.write(token(name), generation, seconds(60))
    found = store.read(seconds(60))
    assert found is not None
    assert found.token == token("c")


def test_a_first_write_over_a_token_conflicts(store: TokenStore) -> None:
    store.write(token("a"), 0, seconds(60))
    with pytest.raises(Conflict):
        store.write(token("b"), 0, seconds(60))


def test_a_write_over_an_older_generation_conflicts(store: TokenStore) -> None:
    old = store.write(token("a"), 0, seconds(60))
    store.write(token("b"), old, seconds(60))
    with pytest.raises(Conflict):
        store.write(token("c"), old, seconds(60))


def test_a_write_over_a_token_that_is_not_there_conflicts(store: TokenStore) -> None:
    with pytest.raises(Conflict):
        store.write(token(), 17, seconds(60))


def test_a_conflict_leaves_the_token(store: TokenStore) -> None:
    store.write(token("a"), 0, seconds(60))
    with pytest.raises(Conflict):
        store.write(token("b"), 0, seconds(60))
    found = store.read(seconds(60))
    assert found is not None
    assert found.token == token("a")


@pytest.mark.parametrize("kind", ["files", "gcs"], indirect=True)
def test_of_many_writers_one_wins(kind: Kind) -> None:
    base = kind.open().write(token("base"), 0, seconds(60))
    results = race(
        8, lambda place: kind.open().write(token(f"{place}"), base, seconds(60))
    )
    winners = [result for result in results if isinstance(result, int)]
    found = kind.open().read(seconds(60))
    assert found is not None
    assert winners == [found.generation]


BROKEN = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\xff\xfe", id="binary"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b"{}", id="no fields"),
    pytest.param(b'{"access_token": 1}', id="a number"),
]


def broken(**change: object) -> bytes:
    return json.dumps(json.loads(token_codec.dumps(token())) | change).encode()


@pytest.mark.parametrize(
    "text",
    [
        *BROKEN,
        pytest.param(broken(access_token=""), id="empty access token"),
        pytest.param(broken(access_token=7), id="number for token"),
        pytest.param(broken(refresh_token=7), id="number for refresh token"),
        pytest.param(broken(expires_at="tomorrow"), id="no instant"),
        pytest.param(broken(expires_at=1.5), id="number for instant"),
        pytest.param(broken(issued_at="2026-11-24T06:00:00"), id="no zone"),
    ],
)
def test_what_is_no_token_is_doubtful_and_not_quoted(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "tokens" / "tokens.json"
    path.parent.mkdir()
    path.write_bytes(text)
    with pytest.raises(Doubtful) as raised:
        in_files(tmp_path).read(seconds(60))
    assert "sig" not in str(raised.value)


def test_a_broken_object_is_doubtful(gcs: Bucket) -> None:
    gcs.put(PLACE, b"{}", None)
    with pytest.raises(Doubtful):
        in_gcs().read(seconds(60))


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    in_files(tmp_path).write(token(), 0, seconds(60))
    mode = (tmp_path / "tokens" / "tokens.json").stat().st_mode
    assert oct(mode & 0o777) == "0o600"


def test_a_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    in_files(tmp_path).write(token(), 0, seconds(60))
    names = sorted(path.name for path in (tmp_path / "tokens").iterdir())
    assert names == ["tokens.json", "tokens.json.lock"]


def test_a_lock_somebody_holds_is_doubtful_in_time(tmp_path: Path) -> None:
    store = in_files(tmp_path)
    store.write(token(), 0, seconds(60))
    with (tmp_path / "tokens" / "tokens.json.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with Stopwatch() as took, pytest.raises(Doubtful):
            store.write(token("b"), 0, seconds(BOUND))
    assert took.seconds < BOUND + SLACK


def test_a_folder_in_the_way_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "tokens" / "tokens.json").mkdir(parents=True)
    with pytest.raises(Doubtful):
        in_files(tmp_path).read(seconds(60))


def test_a_file_for_a_folder_is_doubtful(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("in the way")
    with pytest.raises(Doubtful):
        in_files(tmp_path).write(token(), 0, seconds(60))


def test_one_download_brings_token_and_generation(gcs: Bucket) -> None:
    gcs.put(PLACE, token_codec.dumps(token()), None)
    in_gcs().read(seconds(60))
    (request,) = gcs.requests
    assert request.startswith(
        "GET /download/storage/v1/b/bucket/o/tokens%2Ftokens.json"
    )


def test_a_write_names_the_generation(gcs: Bucket) -> None:
    in_gcs().write(token(), 0, seconds(60))
    (request,) = gcs.requests
    assert "ifGenerationMatch=0" in request


FAULTS: dict[str, Callable[[Bucket], object]] = {
    "403": lambda gcs: gcs.script.statuses.append(403),
    "429": lambda gcs: gcs.script.statuses.append(429),
    "503": lambda gcs: gcs.script.statuses.append(503),
    "silence": lambda gcs: setattr(gcs.script, "hang", 1),
}


@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_usable_answer_is_doubtful_asked_once_and_in_time(
    gcs: Bucket, fault: str, operation: str
) -> None:
    gcs.put(PLACE, token_codec.dumps(token()), None)
    FAULTS[fault](gcs)
    store, limit = in_gcs(), seconds(BOUND)
    with Stopwatch() as took, pytest.raises(Doubtful):
        store.read(limit) if operation == "read" else store.write(token(), 1, limit)
    assert took.seconds < BOUND + SLACK
    assert len(gcs.requests) == 1


def test_a_write_whose_answer_is_lost_is_doubtful_and_there(gcs: Bucket) -> None:
    gcs.script.lost = 1
    with pytest.raises(Doubtful):
        in_gcs().write(token(), 0, seconds(60))
    found = in_gcs().read(seconds(60))
    assert found is not None
    assert found.token == token()


def test_a_download_that_fails_its_checksum_is_doubtful(gcs: Bucket) -> None:
    gcs.put(PLACE, token_codec.dumps(token()), None)
    gcs.script.corrupt = 1
    with pytest.raises(Doubtful):
        in_gcs().read(seconds(60))


def test_a_download_of_no_known_generation_is_doubtful(gcs: Bucket) -> None:
    gcs.put(PLACE, token_codec.dumps(token()), None)
    gcs.script.unnamed = 1
    with pytest.raises(Doubtful):
        in_gcs().read(seconds(60))


def test_without_time_nothing_is_asked(gcs: Bucket) -> None:
    with pytest.raises(Doubtful):
        in_gcs().read(seconds(0))
    assert gcs.requests == []


@pytest.mark.parametrize("kind", ["files", "gcs"], indirect=True)
def test_no_log_line_holds_the_token(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kind.open().write(token(), 0, seconds(60))
    kind.open().read(seconds(60))
    assert token().access.open() not in caplog.text


def test_the_document_is_what_the_design_says() -> None:
    document = json.loads(token_codec.dumps(token()))
    assert document == {
        "access_token": token().access.open(),
        "refresh_token": "refresh-of-the-day",
        "issued_at": "2026-11-23T02:30:00+00:00",
        "expires_at": "2026-11-24T00:30:00+00:00",
        "fy_id": "XA00001",
    }
