"""--dry-run: every command, nothing touched, and gcloud itself accepts each one."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.deploy.project import Project

APPROVED = Path(__file__).parent / "approved"
PARSER = Path(__file__).with_name("parse_commands.py")
CLEANUP = '[{"name": "old", "action": {"type": "Delete"}, "condition": {}}]'
PLANS = {
    "deploy": ("deploy",),
    "deploy-no-static-ip": ("deploy", "--no-static-ip"),
    "address": ("address",),
    "status": ("status",),
    "destroy": ("destroy", "--with-data"),
}
OTHERS = {
    "watch": ("deploy", "--alert-email=owner@example.com"),
    "secret": ("secret", "WEBHOOK_SECRET_TOKEN"),
    "pause": ("pause",),
    "resume": ("resume",),
    "logs": ("logs", "webhook"),
    "journal": ("journal", "--csv"),
    "rehearse": ("rehearse", "--lots", "28"),
}
"""Plans that only gcloud's parser judges."""


def plan(project: Project, name: str) -> str:
    arguments = {**PLANS, **OTHERS}[name]
    run = project.deploy(*arguments, "--dry-run", "--project=demo")
    assert run.status == 0, run.err
    assert run.calls == ()  # gcloud was not even started
    return run.out


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_the_approved_one(project: Project, name: str) -> None:
    """APPROVE=1 in the environment takes a new one; look at the diff."""
    text = plan(project, name)
    approved = APPROVED / f"{name}.txt"
    if os.environ.get("APPROVE") == "1":
        approved.write_text(text)
    assert text == approved.read_text()


@pytest.fixture(scope="module")
def parsed(
    project: Project,
    gcloud: Path,
    gcloud_python: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """Return what gcloud's own parser says to each command, "" for accepted."""
    home = tmp_path_factory.mktemp("parse")
    build = home / "BUILD"
    lines = {
        line for name in [*PLANS, *OTHERS] for line in plan(project, name).splitlines()
    }
    commands = sorted(line for line in lines if line.startswith("gcloud "))
    arguments = []
    for command in [*commands, "gcloud run deploy x --no-such-flag"]:
        words = shlex.split(command, comments=True)[1:]
        arguments.append([word.replace("BUILD", str(build)) for word in words])
    for word in {word for words in arguments for word in words if str(build) in word}:
        file = Path(word.partition("=")[2])
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix:
            file.write_text(CLEANUP if file.stem == "cleanup" else "{}")
        else:
            file.mkdir(exist_ok=True)
    root = gcloud.parents[1]
    done = subprocess.run(
        [str(gcloud_python), str(PARSER), str(root)],
        input=json.dumps(arguments),
        env=project.environment("http://127.0.0.1:9") | {"HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[str] = json.loads(done.stdout)
    return dict(zip([*commands, "a wrong one"], answers, strict=True))


def test_gcloud_accepts_every_printed_command(parsed: dict[str, str]) -> None:
    refused = {c: why for c, why in parsed.items() if why and c != "a wrong one"}
    assert refused == {}
    assert len(parsed) > 100


def test_gcloud_would_have_refused_an_unknown_flag(parsed: dict[str, str]) -> None:
    assert parsed["a wrong one"] != ""


def test_a_rehearsals_tokens_come_from_the_secret_and_the_bucket(
    project: Project,
) -> None:
    lines = plan(project, "rehearse").splitlines()
    asked = [line.split()[1:3] for line in lines if line.startswith("gcloud ")]
    assert asked[-2:] == [["secrets", "versions"], ["storage", "cat"]]
    assert "gs://demo-fyers-alerts/tokens/tokens.json" in lines[-2]
    assert lines[-1].startswith(
        "# python -m local.rehearsal --webhook=https://webhook-"
    )
    assert lines[-1].endswith("--app=ABCD1234EF-200 --lots 28")


def test_another_region_is_the_only_one_in_its_plan(project: Project) -> None:
    run = project.deploy("--region=us-central1", "--dry-run", "--project=demo")
    assert run.status == 0, run.err
    lines = [line for line in run.out.splitlines() if not line.startswith("# ")]
    assert [line for line in lines if "asia-south1" in line] == []
    assert sum("us-central1" in line for line in lines) > 50
    assert "fyers_region=us-central1" in run.out


def test_a_plan_holds_no_secret_and_no_path_of_this_machine(project: Project) -> None:
    text = plan(project, "deploy")
    assert str(project.home) not in text
    assert "/tmp" not in text
