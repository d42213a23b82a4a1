"""--alert-email alone, by the real gcloud: made once, changed, taken down."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.deploying import watch
from tests.deploy import scenarios
from tests.deploy.google_apis import NUMBER, GoogleApis, serve
from tests.deploy.project import Project

SCRIPT = """
set -euo pipefail
HERE=$1 DRY="" MADE="" CHANGED="" STEP="" BEGAN=0 GUIDE="" GIVEN="" YES=""
COMMAND=deploy PROJECT=demo ALERT_EMAIL=owner@example.com
ENABLED=monitoring.googleapis.com
WORK=$(mktemp -d) && OUT="$WORK/out" && ERR="$WORK/err"
export CLOUDSDK_CORE_DISABLE_PROMPTS=1
for part in gcloud watch destroy; do . "$HERE/local/deploying/$part.sh"; done
service_url() { printf 'https://%s-NUMBER.asia-south1.run.app' "$1"; }
tool() { local m=$1; shift; (cd "$HERE" && python3 -B -m "local.deploying.$m" "$@"); }
make_budget() { :; }
"$2"
""".replace("NUMBER", NUMBER)
"""The parts of deploy.sh that watch, without the rest of a deploy."""

KINDS = ("notificationChannels", "uptimeCheckConfigs", "alertPolicies")
CHECK = "uptimeCheckConfigs/1"


@pytest.fixture
def google() -> Iterator[tuple[GoogleApis, str]]:
    assert scenarios.ANSWERS
    google = GoogleApis()
    with serve(google) as proxy:
        yield google, proxy


def run(project: Project, proxy: str, function: str) -> None:
    calls = project.home / "calls"
    calls.touch()
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "deploy.sh", str(project.folder), function],
        env=project.environment(proxy),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_what_watches_is_made_once_changed_where_it_differs_and_taken_down(
    own_project: Project, gcloud: Path, google: tuple[GoogleApis, str]
) -> None:
    apis, proxy = google
    run(own_project, proxy, "make_watch")
    counted = [sum(n.startswith(f"{kind}/") for n in apis.made) for kind in KINDS]
    assert counted == [1, 1, 3]

    before = len(apis.changes())
    run(own_project, proxy, "make_watch")
    assert apis.changes()[before:] == []

    apis.made[CHECK] |= scenarios.check_of_before()
    run(own_project, proxy, "make_watch")
    (matcher,) = apis.made[CHECK]["contentMatchers"]
    assert matcher == {"content": watch.matcher(), "matcher": "MATCHES_REGEX"}
    assert f"PATCH monitoring.googleapis.com/v3/projects/demo/{CHECK}" in apis.changes()

    run(own_project, proxy, "destroy_watch")
    assert [n for n in apis.made if n.partition("/")[0] in KINDS] == []
