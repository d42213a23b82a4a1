"""`./dev.sh demo` and `./dev.sh run`, as a person or a script uses them."""

import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local import demo, playground
from local.playground import Playground
from local.run import read_env_file
from tests.meta.sources import ROOT


def start(*arguments: str, **env: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"} | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def outcome(*arguments: str, **env: str) -> tuple[int, str]:
    with start(*arguments, **env) as process:
        output, _ = process.communicate(timeout=60)
    return process.returncode, output


@pytest.fixture
def ground() -> Iterator[Playground]:
    with playground.running() as ground:
        yield ground


# --- demo ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, object]]:
    status, output = outcome("local.demo", "--json")
    assert status == 0, output
    content: dict[str, dict[str, object]] = json.loads(output)
    return content


def test_the_demo_ends_with_an_order(told: dict[str, dict[str, object]]) -> None:
    assert re.fullmatch(r"\d{14}", str(told["order"]["order_id"]))


def test_the_demo_sells_one_lot_of_a_nifty_call(
    told: dict[str, dict[str, object]],
) -> None:
    order = told["order"]
    assert re.fullmatch(r"NSE:NIFTY\w+CE", str(order["symbol"]))
    assert (order["action"], order["position"]) == ("SELL", -int(str(order["qty"])))


def test_the_demo_shows_both_exits(told: dict[str, dict[str, object]]) -> None:
    exits = told["order"]["exits"]
    assert isinstance(exits, list)
    assert len(exits) == 2


def test_the_demo_prints_the_order_for_people() -> None:
    status, output = outcome("local.demo")
    assert (status, "\nOne alert, one order: " in output) == (0, True)


def test_a_demo_whose_order_is_refused_fails_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = functools.partial(playground.running, orders_allowed=False)
    monkeypatch.setattr(playground, "running", refusing)
    monkeypatch.setattr(sys, "argv", ["demo"])
    with pytest.raises(
        SystemExit, match=r"^The demo failed\. The webhook answered 424 "
    ):
        demo.main()


def test_two_orders_for_one_alert_would_fail_the_demo(ground: Playground) -> None:
    ground.call("POST", "refresh-symbols")
    ground.log_in()
    ground.send(json.dumps(ground.alert() | {"idempotency_key": "another"}))
    with pytest.raises(playground.Failed, match="made 2 orders"):
        demo.play(ground, demo.Story(quiet=True))


# --- run ----------------------------------------------------------------------------


@pytest.fixture
def running() -> Iterator["subprocess.Popen[str]"]:
    with start("local.run", "--port", "0") as process:
        yield process
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            _, left = psutil.wait_procs([psutil.Process(process.pid), *family], 20)
            for each in left:
                each.kill()


def until(process: "subprocess.Popen[str]", text: str) -> str:
    """Return what was printed up to a line that holds `text`."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(seen)


def test_the_printed_curl_line_places_an_order(
    running: "subprocess.Popen[str]",
) -> None:
    printed = until(running, "Ctrl-C stops everything")
    line = next(line for line in printed.splitlines() if line.startswith("curl"))
    reply = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=True
    )
    assert json.loads(reply.stdout)["message"] == "order placed"


def test_the_schedule_is_played(running: "subprocess.Popen[str]") -> None:
    printed = until(running, "schedule: reconcile")
    assert re.findall(r"^schedule: ([\w-]+): {.success.: true", printed, re.MULTILINE)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_leaves_nothing_running(
    running: "subprocess.Popen[str]", ending: int
) -> None:
    until(running, "Ctrl-C stops everything")
    family = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(ending)
    output, _ = running.communicate(timeout=20)
    assert (running.returncode, output.splitlines()[-1]) == (0, "Stopped.")
    assert [each for each in family if each.is_running()] == []


def test_live_needs_its_settings_named() -> None:
    status, output = outcome("local.run", "--live", FYERS_APP_ID="X-200")
    assert (status, output) == (
        1,
        "--live needs FYERS_SECRET_ID, WEBHOOK_SECRET_TOKEN: in the shell, or "
        "in a file named with --env-file.\n",
    )


def test_live_warns_before_it_serves(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(
        "FYERS_APP_ID=X-200\nFYERS_SECRET_ID=s\n"
        "WEBHOOK_SECRET_TOKEN=a-secret-of-this-test\n"
        f"LOCAL_STATE_DIR={tmp_path}\n"
        # nothing listens there: this test must not reach the real FYERS
        "FYERS_BASE_URL=http://127.0.0.1:9\nSYMBOL_MASTER_URL=http://127.0.0.1:9/\n"
    )
    with start("local.run", "--live", "--env-file", str(file), "--port=0") as process:
        printed = until(process, "Ctrl-C stops everything")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
    assert printed.index("REAL order with REAL money") < printed.index("http://")


def test_an_env_file_may_hold_comments_quotes_and_exports(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nexport A=1\nB='two words'\n\nC=\"3=3\"\n#D=4\n")
    assert read_env_file(file) == {"A": "1", "B": "two words", "C": "3=3"}


# --- playground ---------------------------------------------------------------------


def test_a_function_that_refuses_is_quoted(ground: Playground) -> None:
    with pytest.raises(playground.Failed, match=r"^/webhook answered 405\."):
        ground.call("PUT", "webhook")
