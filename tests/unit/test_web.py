from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from shared import logs, web
from shared.errors import BadRequest, Misconfigured, Problem, Unauthorized

MAIN = '''
import functions_framework
from shared import web
from tests.unit import test_web

@functions_framework.http
@web.endpoint("GET", "POST", page=test_web.failure_page)
def probe(request: web.Request) -> web.Reply:
    """Do what the test put there."""
    return test_web.handler(request)
'''


@dataclass(frozen=True)
class _Page:
    html: str
    policy: str = "default-src 'none'"


def failure_page(problem: Problem, _request_id: str) -> _Page:
    return _Page(f"<p>{problem.message}</p>")


def handler(request: web.Request) -> web.Reply:
    return _handlers[-1](request)


_handlers: list[web.Handler] = []


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    """Yield a client of the probe, loaded the way the framework loads functions."""
    source = tmp_path / "main.py"
    source.write_text(MAIN)
    app = functions_framework.create_app(  # type: ignore[no-untyped-call] # untyped
        "probe", str(source)
    )
    yield app.test_client()
    _handlers.clear()


def _serve(handle: web.Handler) -> None:
    _handlers.append(handle)


def _ok(request: web.Request) -> web.Reply:
    return web.json_reply(200, {"success": True})


def _raising(error: Exception) -> web.Handler:
    def handle(request: web.Request) -> web.Reply:
        raise error

    return handle


def test_a_reply_goes_out_as_it_is(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(202, b'{"a":1}', (("X-More", "yes"),)))
    reply = client.get("/")
    assert (reply.status_code, reply.data) == (202, b'{"a":1}')
    assert reply.headers["X-More"] == "yes"
    assert reply.content_type == "application/json"


def test_nothing_is_cached_or_refers_on(client: FlaskClient) -> None:
    _serve(_ok)
    reply = client.get("/")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_refused_with_allow(client: FlaskClient, method: str) -> None:
    _serve(_ok)
    reply = client.open("/", method=method)
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "GET, POST, HEAD"
    assert reply.get_json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", ["/a%20b", "/wp-login.php", "/webhook/"])
def test_every_other_path_is_404_and_reaches_no_handler(
    client: FlaskClient, method: str, path: str
) -> None:
    _serve(_raising(ZeroDivisionError("the handler was reached")))
    reply = client.open(path, method=method)
    assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found")


def test_head_is_answered_like_get_without_a_body(client: FlaskClient) -> None:
    _serve(_ok)
    reply = client.head("/")
    assert (reply.status_code, reply.data) == (200, b"")


def test_a_problem_becomes_its_status_code_and_sentence(client: FlaskClient) -> None:
    _serve(_raising(BadRequest("qty must be a whole number", "bad_quantity")))
    reply = client.post("/", headers={"X-Request-Id": "r-7"})
    assert reply.status_code == 400
    assert reply.get_json() == {
        "success": False,
        "error": "qty must be a whole number",
        "code": "bad_quantity",
        "request_id": "r-7",
    }


def test_an_unforeseen_error_is_503_and_says_nothing_of_itself(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    _serve(_raising(ZeroDivisionError("the inner workings")))
    reply = client.post("/")
    assert (reply.status_code, reply.get_json()["code"]) == (503, "unavailable")
    assert b"inner" not in reply.data
    assert "ZeroDivisionError: the inner workings" in caplog.text


def test_every_wrong_setting_is_in_the_log_only(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    _serve(_raising(Misconfigured(("A is missing", "B must be a number"))))
    reply = client.post("/")
    assert (reply.status_code, reply.get_json()["code"]) == (500, "misconfigured")
    assert b"A is missing" not in reply.data
    assert "misconfigured: A is missing; B must be a number" in caplog.text


def test_a_browser_is_shown_a_page_for_a_failure(client: FlaskClient) -> None:
    _serve(_raising(Unauthorized("log in again")))
    reply = client.get("/", headers={"Accept": "text/html,*/*"})
    assert (reply.status_code, reply.data) == (401, b"<p>log in again</p>")
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'"


def test_a_post_gets_json_whatever_it_accepts(client: FlaskClient) -> None:
    _serve(_raising(Unauthorized("no")))
    reply = client.post("/", headers={"Accept": "text/html"})
    assert reply.get_json()["code"] == "unauthorized"


TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"X-Request-Id": "r-1.A_b"}, "r-1.A_b", id="given"),
        pytest.param({"X-Cloud-Trace-Context": f"{TRACE}/9;o=1"}, TRACE, id="cloud"),
        pytest.param(
            {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, TRACE, id="w3"
        ),
        pytest.param(
            {"X-Request-Id": "r 1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
            TRACE,
            id="insane-falls-back",
        ),
    ],
)
def test_the_request_id_is_taken_from_the_caller(
    client: FlaskClient, headers: dict[str, str], expected: str
) -> None:
    _serve(lambda request: web.json_reply(200, {"id": logs.request_id()}))
    reply = client.get("/", headers=headers)
    assert reply.headers["X-Request-Id"] == expected
    assert reply.get_json()["id"] == expected


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Request-Id": "x" * 65}, {"X-Cloud-Trace-Context": "nonsense"}],
    ids=["none", "too-long", "no-trace"],
)
def test_a_request_id_is_made_where_none_is_usable(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    _serve(_ok)
    first, second = (client.get("/", headers=headers) for _ in range(2))
    assert len(first.headers["X-Request-Id"]) == 32
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_one_line_tells_method_path_status_and_duration_but_no_query(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _serve(_raising(Unauthorized("no")))
    client.get("/?auth_code=hunter22")
    (line,) = [r.getMessage() for r in caplog.records if r.name == "shared.web"]
    assert line.startswith("GET / 401 unauthorized in ")
    assert line.endswith(" ms")


def test_the_body_is_read_whole_up_to_the_limit(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(200, web.read_body(request)))
    assert client.post("/", data=b"x" * web.BODY_LIMIT).data == b"x" * web.BODY_LIMIT


def test_a_form_content_type_does_not_eat_the_body(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(200, web.read_body(request)))
    sent = client.post(
        "/", data=b'{"a": 1}', content_type="application/x-www-form-urlencoded"
    )
    assert sent.data == b'{"a": 1}'


def test_a_body_above_the_limit_is_413(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(200, web.read_body(request)))
    reply = client.post("/", data=b"x" * (web.BODY_LIMIT + 1))
    assert (reply.status_code, reply.get_json()["code"]) == (413, "too_large")


def test_a_body_without_a_length_is_limited_as_it_streams(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(200, web.read_body(request)))
    reply = client.post(
        "/",
        input_stream=io.BytesIO(b"x" * 300_000),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert reply.status_code == 413


def test_a_body_that_is_cut_off_is_a_bad_request(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(200, web.read_body(request)))
    reply = client.post(
        "/",
        input_stream=io.BytesIO(b"{"),
        environ_overrides={"CONTENT_LENGTH": "9", "wsgi.input_terminated": True},
    )
    assert (reply.status_code, reply.get_json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/", "/favicon.ico"])
def test_a_body_nobody_reads_is_thrown_away_in_chunks(
    client: FlaskClient, path: str
) -> None:
    class Stream(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            part = super().read(size)
            self.largest = max(self.largest, len(part))
            return part

        def readinto(self, buffer: Any, /) -> int:
            part = self.read(len(buffer))
            buffer[: len(part)] = part
            return len(part)

    _serve(_ok)
    stream = Stream(b"x" * 900_000)
    client.put(path, input_stream=stream, headers={"Content-Length": "900000"})
    assert stream.tell() == 900_000
    assert stream.largest <= 65_536


def test_a_chunked_body_arrives_over_a_real_connection(client: FlaskClient) -> None:
    _serve(lambda request: web.Reply(200, web.read_body(request)))
    server = make_server("127.0.0.1", 0, client.application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                b"Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            )
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
    assert answer.endswith(b"hello")


def test_the_arrival_is_known_to_the_handler(client: FlaskClient) -> None:
    _serve(lambda request: web.json_reply(200, {"at": web.arrival(request)}))
    first, second = (client.get("/").get_json()["at"] for _ in range(2))
    assert first < second


def test_a_redirect_names_its_address_only(client: FlaskClient) -> None:
    _serve(lambda request: web.redirect("https://example.com/?state=1"))
    reply = client.get("/")
    assert (reply.status_code, reply.data) == (302, b"")
    assert reply.headers["Location"] == "https://example.com/?state=1"
