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
from tests.deploy.project import Project

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
