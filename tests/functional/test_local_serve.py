"""All functions on one port: paths, errors, starting and ending."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from local import serve

MAIN = """
import os
import functions_framework

@functions_framework.http
def {name}(request):
    if request.args.get("env"):
        return os.environ.get(request.args["env"], "unset")
    body = request.get_data(as_text=True)
    return f"{name} {{request.method}} {{request.path}} {{body}}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("webhook", "auth_url"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(MAIN.format(name=name))
    (tmp_path / "unfinished").mkdir()
    return tmp_path


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    with serve.running({"GREETING": "hello"}, folder=folder) as address:
        yield address


def test_the_first_path_segment_picks_the_function(address: str) -> None:
    reply = requests.post(f"{address}/auth-url", data="body", timeout=10)
    assert reply.text == "auth_url POST / body"


def test_a_bare_path_is_answered_and_never_redirected(address: str) -> None:
    reply = requests.post(f"{address}/webhook", timeout=10, allow_redirects=False)
    assert (reply.status_code, reply.text) == (200, "webhook POST / ")


def test_what_follows_the_first_segment_reaches_the_function(address: str) -> None:
    assert requests.get(f"{address}/webhook/a/b", timeout=10).text == (
        "webhook GET /a/b "
    )


def test_an_unknown_path_is_404_and_lists_what_there_is(address: str) -> None:
    reply = requests.get(f"{address}/nothing", timeout=10)
    assert reply.status_code == 404
    assert reply.json()["code"] == "not_found"
    assert reply.json()["paths"] == ["/auth-url", "/webhook"]


def test_connections_are_kept_alive(address: str) -> None:
    with requests.Session() as session:
        first = session.get(f"{address}/webhook", timeout=10)
    assert (first.raw.version, first.headers["Connection"]) == (11, "keep-alive")


def test_sixty_four_alerts_are_served_at_once(address: str) -> None:
    with ThreadPoolExecutor(64) as pool:
        replies = list(
            pool.map(
                lambda n: requests.post(f"{address}/webhook", data=str(n), timeout=10),
                range(64),
            )
        )
    assert [reply.text for reply in replies] == [
        f"webhook POST / {n}" for n in range(64)
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FYERS_REDIRECT_URI", "{address}/generate-token"),
        ("AUTH_URL", "{address}/auth-url"),
        ("DESK_URL", "{address}/desk"),
        ("WEBHOOK_URL", "{address}/webhook"),
        ("GREETING", "hello"),
    ],
)
def test_the_functions_are_told(address: str, name: str, value: str) -> None:
    reply = requests.get(f"{address}/webhook?env={name}", timeout=10)
    assert reply.text == value.format(address=address)


def test_settings_of_the_developers_shell_stay_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FYERS_APP_ID", "REAL-100")
    with serve.running({}, folder=folder) as address:
        reply = requests.get(f"{address}/webhook?env=FYERS_APP_ID", timeout=10)
    assert reply.text == "unset"


def test_a_port_in_use_is_a_sentence() -> None:
    with serve.bind(0) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "local.serve", "--port", str(port)],
            cwd=serve.ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        f"Port {port} cannot be used (Address already in use): "
        "stop what uses it or name another with --port.\n",
    )


def test_a_function_that_does_not_load_is_named(folder: Path) -> None:
    (folder / "webhook" / "main.py").write_text("import nowhere_to_be_found")
    with (
        pytest.raises(serve.StartFailed, match="nowhere_to_be_found"),
        serve.running({}, folder=folder),
    ):
        pass


def test_leaving_ends_the_server_and_its_worker(folder: Path) -> None:
    with serve.running({}, folder=folder) as address:
        pass
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/webhook", timeout=2)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_within_seconds(folder: Path, ending: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local.serve", "--port=0", f"--functions={folder}"],
        cwd=serve.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(serve.READY):
                break
        os.killpg(process.pid, ending)
        process.wait(10)
    assert process.returncode == 0
