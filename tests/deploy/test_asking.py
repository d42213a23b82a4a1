"""deploy.sh at a terminal: secrets typed unseen, destroy confirmed by hand."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

import pytest

from tests.deploy import scenarios
from tests.deploy.google_apis import Failure, GoogleApis, RefusedError, serve
from tests.deploy.project import ENVIRONMENT_FILE, Project

STOP = RefusedError(403, "PERMISSION_DENIED", "enough for this test")
WAIT = 240.0
NOTIFICATION = 'NOTIFICATION_URL ("none": you are told nothing), not shown: '


@dataclass(frozen=True, slots=True)
class Session:
    """What a person saw, and how the script ended."""

    status: int
    screen: str


def talk(
    project: Project, proxy: str, arguments: tuple[str, ...], replies: Mapping[str, str]
) -> Session:
    """Run deploy.sh on a terminal, typing each reply when its question appears."""
    person, terminal = pty.openpty()
    with subprocess.Popen(
        [str(project.folder / "deploy.sh"), *arguments],
        cwd=project.home,
        env=project.environment(proxy),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        screen = _converse(person, dict(replies))
        status = process.wait(WAIT)
    os.close(person)
    return Session(status, screen)


def _converse(person: int, replies: dict[str, str]) -> str:
    screen, end = "", monotonic() + WAIT
    while monotonic() < end:
        if not select.select([person], [], [], end - monotonic())[0]:
            break
        try:
            piece = os.read(person, 4096)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not piece:
            break
        screen += piece.decode()
        for question in [q for q in replies if q in screen]:
            os.write(person, replies.pop(question).encode() + b"\n")
    return screen


def google_that_stops_after_the_secrets() -> GoogleApis:
    assert scenarios.ANSWERS  # importing them registers what the stand-in answers
    google = GoogleApis()
    google.failures.append(Failure("GET", "/serviceAccounts", STOP))
    return google


@pytest.mark.timeout(300)
def test_secrets_are_asked_for_and_not_shown(project: Project, gcloud: object) -> None:
    google = google_that_stops_after_the_secrets()
    typed = {
        "FYERS_PIN, not shown: ": "TYPEDPIN",
        "FYERS_SECRET_ID, not shown: ": "TYPEDSECRET",
        "HEARTBEAT_URL (empty: none), not shown: ": "",
        NOTIFICATION: "http://hook.invalid/NOTICEVALUE",
        "Did it arrive? (yes/no) ": "yes",
        "WEBHOOK_SECRET_TOKEN (empty: one is made), not shown: ": "",
    }
    with serve(google) as proxy:
        session = talk(project, proxy, ("deploy", "--project=demo"), typed)
    assert google.secrets["FYERS_PIN"] == ["TYPEDPIN"]
    assert google.secrets["FYERS_SECRET_ID"] == ["TYPEDSECRET"]
    assert google.secrets["HEARTBEAT_URL"] == []  # the owner's "none", kept
    assert google.secrets["NOTIFICATION_URL"] == ["http://hook.invalid/NOTICEVALUE"]
    assert google.heard == [{"notice": "test_notice"}]
    (made,) = google.secrets["WEBHOOK_SECRET_TOKEN"]
    assert len(made) == 48
    unseen = ("TYPEDPIN", "TYPEDSECRET", "NOTICEVALUE", made)
    assert [value for value in unseen if value in session.screen] == []


def test_destroy_goes_no_further_without_the_projects_name(
    project: Project,
) -> None:
    google = GoogleApis()
    with serve(google) as proxy:
        session = talk(
            project, proxy, ("destroy", "--project=demo"), {"to go on: ": "yes"}
        )
    assert session.status == 1
    assert "Nothing was changed." in session.screen
    assert google.requests == []


FYERS = "fyers.invalid/"
HOOK, LOGIN = "HOOKTOKEN-of-this-test", "ACCESSTOKEN-of-this-test"


def google_before_a_rehearsal() -> GoogleApis:
    assert scenarios.ANSWERS
    google = GoogleApis()
    google.made["buckets/demo-fyers-alerts"] = {"name": "demo-fyers-alerts"}
    google.made["objects/demo-fyers-alerts/tokens/tokens.json"] = {
        "access_token": LOGIN,
        "issued_at": "2026-11-25T03:00:00+00:00",
        "expires_at": "2099-11-26T00:30:00+00:00",
        "fy_id": "XA00001",
    }
    google.secrets["WEBHOOK_SECRET_TOKEN"] = [HOOK]
    return google


def test_a_file_half_edited_does_not_keep_from_a_pause(
    own_project: Project, gcloud: object
) -> None:
    google = google_before_a_rehearsal()
    google.made["services/webhook"] = {}
    main = own_project.folder / "functions" / "webhook" / "main.py"
    main.write_text(main.read_text() + "\n# half")
    with serve(google) as proxy:
        paused = scenarios.play(google, own_project, proxy, "pause")
    assert paused.run.status == 0, paused.run.err
    assert {"action": "PAUSE"} in google.heard


def rehearse(project: Project, google: GoogleApis, answer: str) -> Session:
    text = f'{ENVIRONMENT_FILE}FYERS_BASE_URL: "http://fyers.invalid"\n'
    (project.folder / "env.yaml").write_text(text)
    with serve(google) as proxy:
        words = ("rehearse", "--project=demo", "--yes", "--lots", "2")
        return talk(project, proxy, words, {"to go on: ": answer})


@pytest.mark.timeout(300)
def test_a_rehearsal_begins_with_a_typed_yes_and_hands_its_tokens_over_unseen(
    own_project: Project, gcloud: object
) -> None:
    google = google_before_a_rehearsal()
    session = rehearse(own_project, google, "yes")
    assert session.status == 1
    assert "four real orders" in session.screen
    assert "Asked for besides: --lots 2" in session.screen
    assert "The market is closed." in session.screen
    assert "Nothing was ordered." in session.screen
    (asked,) = [one for one in google.requests if one.path.startswith(FYERS)]
    assert asked.authorization == f"ABCD1234EF-200:{LOGIN}"
    calls = (own_project.home / "calls").read_text()
    assert [one for one in (HOOK, LOGIN) if one in session.screen + calls] == []
    assert not [one for one in google.changes() if "webhook" in one]


def test_a_rehearsal_wants_a_terminal_whatever_else_is_said(project: Project) -> None:
    run = project.deploy("rehearse", "--yes", "--project=demo")
    assert run.status == 1
    assert "run it in a terminal" in run.err
    assert "docs/deploy.md, step 10" in run.err
    assert run.calls == ()


@pytest.mark.timeout(300)
def test_a_rehearsal_without_the_yes_reads_no_token(
    own_project: Project, gcloud: object
) -> None:
    google = google_before_a_rehearsal()
    session = rehearse(own_project, google, "y")
    assert session.status == 1
    assert "Nothing was changed." in session.screen
    paths = " ".join(one.path for one in google.requests)
    assert ":access" not in paths
    assert "tokens.json" not in paths


@pytest.mark.timeout(300)
def test_a_rehearsal_before_the_first_login_says_so(
    own_project: Project, gcloud: object
) -> None:
    google = google_before_a_rehearsal()
    del google.made["objects/demo-fyers-alerts/tokens/tokens.json"]
    session = rehearse(own_project, google, "yes")
    assert session.status == 1
    assert "log in first" in session.screen
    assert "ERROR: (gcloud.storage.cat)" in session.screen  # what it really was
    assert [one for one in google.requests if one.path.startswith(FYERS)] == []
