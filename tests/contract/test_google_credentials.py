"""What lets a function in to Google's APIs, on the platform and elsewhere."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest

from local.standins.bucket import Bucket
from shared.adapters import token_codec
from shared.adapters.firestore_calls import Calls, Commit
from shared.adapters.gcs import GcsTokens
from shared.adapters.google_credentials import (
    EARLY,
    FoundCredentials,
    PlatformCredentials,
)
from shared.errors import Doubtful
from tests.contract.conftest import seconds
from tests.fakes.login import token


class Metadata:
    """A metadata server whose answers a test scripts."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.script: list[tuple[int, bytes]] = []
        self.over = threading.Event()
        self.hangs = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Metadata-Flavor")))
                if outer.hangs:
                    outer.over.wait(10)
                    return
                status, body = outer.script.pop(0) if outer.script else granted()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status == 503:
                    self.send_header("Retry-After", "5")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def granted(text: str = "of-the-account", lasts: int = 3600) -> tuple[int, bytes]:
    body = {"access_token": text, "expires_in": lasts, "token_type": "Bearer"}
    return 200, json.dumps(body).encode()


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    server = Metadata()
    yield server
    server.close()


def test_the_metadata_server_is_asked_as_google_documents_it(
    metadata: Metadata,
) -> None:
    credentials = PlatformCredentials(time.monotonic, metadata.url)
    assert credentials.bearer(seconds(60)) == "Bearer of-the-account"
    path = "/computeMetadata/v1/instance/service-accounts/default/token"
    assert metadata.asked == [(path, "Google")]


def test_a_token_is_kept_until_shortly_before_its_end(metadata: Metadata) -> None:
    metadata.script = [granted("first", 3600), granted("second", 3600)]
    clock = Clock()
    credentials = PlatformCredentials(clock, metadata.url)
    credentials.bearer(seconds(60))
    clock.now += 3600 - EARLY - 1
    assert credentials.bearer(seconds(60)) == "Bearer first"
    clock.now += 1
    assert credentials.bearer(seconds(60)) == "Bearer second"


def test_many_threads_ask_once(metadata: Metadata) -> None:
    credentials = PlatformCredentials(time.monotonic, metadata.url)
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: credentials.bearer(seconds(60)), range(8)))
    assert (found, len(metadata.asked)) == ({"Bearer of-the-account"}, 1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((404, b"not here"), id="no account"),
        pytest.param((200, b"<html>"), id="no JSON"),
        pytest.param((200, b"[]"), id="a list"),
        pytest.param((200, b'{"expires_in": 1}'), id="no token"),
        pytest.param((200, b'{"access_token": "a"}'), id="no end"),
    ],
)
def test_an_answer_without_a_token_is_doubtful_and_asked_again_later(
    metadata: Metadata, answer: tuple[int, bytes]
) -> None:
    metadata.script = [answer]
    credentials = PlatformCredentials(time.monotonic, metadata.url)
    with pytest.raises(Doubtful):
        credentials.bearer(seconds(60))
    assert credentials.bearer(seconds(60)) == "Bearer of-the-account"


def test_a_silent_server_is_doubtful_in_time(metadata: Metadata) -> None:
    metadata.hangs = True
    begun = time.monotonic()
    with pytest.raises(Doubtful):
        PlatformCredentials(time.monotonic, metadata.url).bearer(seconds(0.3))
    assert time.monotonic() - begun < 5


def test_a_server_that_asks_for_patience_is_not_waited_for(metadata: Metadata) -> None:
    metadata.script = [(503, b"")]
    begun = time.monotonic()
    with pytest.raises(Doubtful):
        PlatformCredentials(time.monotonic, metadata.url).bearer(seconds(1))
    assert time.monotonic() - begun < 4


def test_nobody_listening_is_doubtful(metadata: Metadata) -> None:
    metadata.close()
    with pytest.raises(Doubtful):
        PlatformCredentials(time.monotonic, metadata.url).bearer(seconds(2))


def test_found_credentials_are_refreshed_when_they_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, metadata: Metadata
) -> None:
    key = {
        "type": "authorized_user",
        "client_id": "id",
        "client_secret": "secret",
        "refresh_token": "refresh",
        "token_uri": f"{metadata.url}/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with pytest.raises(Doubtful) as raised:  # that server takes no POST
        FoundCredentials().bearer(seconds(5))
    assert "refresh" not in str(raised.value)


def test_the_bucket_is_asked_with_the_token(metadata: Metadata, gcs: Bucket) -> None:
    gcs.put(("bucket", "token"), token_codec.dumps(token()), None)
    credentials = PlatformCredentials(time.monotonic, metadata.url)
    store = GcsTokens("demo", "bucket", "token", gcs.url, credentials)
    assert store.read(seconds(60)) is not None
    assert gcs.authorizations == ["Bearer of-the-account"]


def test_without_a_token_the_bucket_is_not_asked(
    metadata: Metadata, gcs: Bucket
) -> None:
    metadata.script = [(500, b"")] * 3
    credentials = PlatformCredentials(time.monotonic, metadata.url)
    with pytest.raises(Doubtful):
        GcsTokens("demo", "bucket", "token", gcs.url, credentials).read(seconds(60))
    assert gcs.requests == []


def test_firestore_is_called_with_the_token_and_where_it_belongs() -> None:
    seen: list[dict[str, str]] = []

    def commit(request: bytes, call: Any) -> bytes:
        seen.append(dict(call.invocation_metadata()))
        return b""

    handler = grpc.method_handlers_generic_handler(
        "google.firestore.v1.Firestore",
        {"Commit": grpc.unary_unary_rpc_method_handler(commit)},
    )
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=(handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    name = "projects/demo/databases/(default)"
    Calls(name, f"127.0.0.1:{port}").commit(Commit(database=name), 10, "Bearer x")
    server.stop(None)

    assert seen[0]["authorization"] == "Bearer x"
    assert seen[0]["google-cloud-resource-prefix"] == name
