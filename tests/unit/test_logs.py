from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import logs
from shared.logs import Options

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3NjM4NTc4MDB9.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    logging.setLogRecordFactory(factory)


def _lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("Authorization: ABCD1234-100:aaa.bbb.ccc", "ABCD1234-100:***"),
        pytest.param(f"answer was {JWT}!", "answer was ***!"),
        pytest.param("GET /x?auth_code=abc.def&state=1", "auth_code=***&state=1"),
        pytest.param("GET /x?token=hunter22", "token=***"),
        pytest.param('{"token": "hunter22", "qty": 1}', '"token": "***", "qty": 1'),
        pytest.param("{'token': 'hunter22'}", "'token': '***'}"),
        pytest.param('"{\\"token\\": \\"hunter22\\"}"', '{\\"token\\": \\"***'),
        pytest.param('{"access_token":"cut off', '"access_token":"***'),
        pytest.param('{"pin": 2580}', '"pin": ***'),
        pytest.param('{"token":"a\\"hunter22"}', '"token":"***"}'),
        pytest.param("Bearer hunter22", "Bearer ***"),
    ],
)
def test_what_is_shaped_like_a_secret_is_masked(text: str, kept: str) -> None:
    assert kept in logs.masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "NSE:NIFTY26NOV25800CE at 120.5",
        "SELL 65 NIFTY 25800 CE WEEKLY",
        "2026-11-23T09:15:00+05:30",
        "the stored token is still good",
    ],
)
def test_what_a_trader_reads_is_left_alone(text: str) -> None:
    assert logs.masked(text) == text


def test_a_known_secret_is_masked_in_every_spelling() -> None:
    logs.mask('p/4 ss"word+x')
    assert logs.masked('a p/4 ss"word+x b') == "a *** b"
    assert logs.masked("a p%2F4%20ss%22word%2Bx b") == "a *** b"
    assert logs.masked("a p%2F4+ss%22word%2Bx b") == "a *** b"
    assert logs.masked('a p/4 ss\\"word+x b') == "a *** b"


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    logs.mask("7531")
    assert logs.masked("pin 7531, strike 27531") == "pin ***, strike 27531"


def test_recent_secrets_give_way_to_newer_ones_and_lasting_ones_stay() -> None:
    logs.mask("lasting-secret")
    for number in range(1_000):
        logs.mask_recent(f"token-{number:04}-of-a-day")
    said = logs.masked("lasting-secret token-0999-of-a-day token-0000-of-a-day")
    assert said == "*** *** token-0000-of-a-day"


def test_a_recent_secret_met_again_stays() -> None:
    logs.mask_recent("token-of-today")
    for number in range(1_000):
        logs.mask_recent(f"token-{number:04}-of-a-day")
        logs.mask_recent("token-of-today")
    assert logs.masked("token-of-today") == "***"


@pytest.mark.parametrize("value", ["", "abc"])
def test_what_is_too_short_for_a_secret_masks_nothing(value: str) -> None:
    logs.mask(value)
    assert logs.masked("x abc y") == "x abc y"


def test_a_secret_leaves_message_arguments_and_traceback(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logs.mask("very-secret-one")
    logs.configure(Options(cloud=True))
    log = logging.getLogger("shared.test")
    try:
        try:
            raise KeyError("very-secret-one")
        except KeyError as error:
            raise ValueError("very-secret-one again") from error
    except ValueError:
        log.exception("in %s and %r", "very-secret-one", {"k": b"very-secret-one"})
    out = capsys.readouterr().out
    assert "very-secret-one" not in out + caplog.text
    assert "ValueError: *** again" in out
    assert "Traceback" in str(_lines(out)[-1]["message"])


def test_a_wrong_format_string_still_gives_a_masked_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.mask("very-secret-one")
    logs.configure(Options(cloud=True))
    logging.getLogger("shared.test").warning("%d of", "very-secret-one")
    assert "very-secret-one" not in capsys.readouterr().out


def test_cloud_logging_gets_one_object_a_line_with_trace_and_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(Options(cloud=True, project="demo"))
    with logs.bind("r-1", "0af7651916cd43dd8448eb211c80319c"):
        logging.getLogger("shared.test").warning(
            "two\nlines", extra={"json_fields": {"httpRequest": {"status": 200}}}
        )
    (line,) = _lines(capsys.readouterr().out)
    assert line.pop("time")
    assert line == {
        "severity": "WARNING",
        "message": "two\nlines",
        "logger": "shared.test",
        "request_id": "r-1",
        "logging.googleapis.com/trace": (
            "projects/demo/traces/0af7651916cd43dd8448eb211c80319c"
        ),
        "httpRequest": {"status": 200},
    }


def test_a_person_gets_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Options())
    with logs.bind("r-2"):
        logging.getLogger("shared.test").info("hello")
    assert capsys.readouterr().out.endswith("INFO    r-2 shared.test: hello\n")


def test_configuring_twice_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Options())
    logs.configure(Options())
    logging.getLogger("shared.test").info("once")
    assert capsys.readouterr().out.count("once") == 1


def test_the_frameworks_own_stream_handler_does_not_repeat_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
    logs.configure(Options())
    logging.getLogger("shared.test").info("once")
    assert capsys.readouterr().out.count("once") == 1


def test_a_logger_the_framework_disabled_speaks_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger("shared.test").disabled = True
    logs.configure(Options())
    logging.getLogger("shared.test").info("here")
    assert "here" in capsys.readouterr().out


def test_levels_are_each_handlers_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "app.log"
    logs.configure(
        Options(cloud=True, cloud_level="error", file=str(file), file_level="debug")
    )
    logging.getLogger("shared.test").debug("quiet")
    assert capsys.readouterr().out == ""
    assert "quiet" in file.read_text()


def test_a_log_file_that_cannot_be_written_is_a_warning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logs.configure(Options(file=str(tmp_path / "no" / "such" / "folder.log")))
    assert "LOG_FILE cannot be written" in capsys.readouterr().out


def test_an_unknown_level_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Options(level="loud"))
    assert "log level" in capsys.readouterr().out


def test_libraries_are_heard_from_warning_on() -> None:
    logs.configure(Options(level="DEBUG"))
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.INFO)


@pytest.mark.parametrize(
    ("env", "cloud"),
    [
        ({}, False),
        ({"K_SERVICE": "webhook"}, True),
        ({"K_SERVICE": "webhook", "USE_CLOUD_LOGGING": "false"}, False),
        ({"USE_CLOUD_LOGGING": "true"}, True),
    ],
)
def test_cloud_logging_is_on_where_the_platform_is(
    env: dict[str, str], cloud: bool
) -> None:
    assert Options.from_env(env).cloud is cloud


def test_every_log_setting_is_read() -> None:
    env = {
        "LOG_LEVEL": "DEBUG",
        "CLOUD_LOG_LEVEL": "ERROR",
        "LOG_FILE": "app.log",
        "FILE_LOG_LEVEL": "INFO",
        "GOOGLE_CLOUD_PROJECT": "demo",
        "USE_CLOUD_LOGGING": "on",
    }
    assert Options.from_env(env) == Options(
        "DEBUG", True, "ERROR", "app.log", "INFO", "demo"
    )


def test_outside_a_request_there_is_no_request_id() -> None:
    assert logs.request_id() == ""
