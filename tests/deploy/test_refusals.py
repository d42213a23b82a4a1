"""deploy.sh before it touches anything: help, wrong usage, what is missing."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from shared.config import Settings
from tests.deploy.google_apis import GoogleApis, serve
from tests.deploy.project import ENVIRONMENT_FILE, ROOT, SECRETS, Project

COMMANDS = (
    *("address", "deploy", "status", "logs", "pause", "resume", "secret", "rollback"),
    *("rehearse", "journal", "destroy", "stage"),
)
OPTIONS = (
    *("--dry-run", "--no-static-ip", "--no-keep-warm", "--with-data", "--env-file"),
    *("--alert-email", "--static-ip", "--keep-warm", "$0.10", "docs/deploy.md"),
)


@pytest.mark.parametrize("word", [*COMMANDS, *OPTIONS, "$3.65", "November 2026"])
def test_help_tells_commands_options_and_costs(project: Project, word: str) -> None:
    run = project.deploy("--help")
    assert run.status == 0
    assert word in run.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fly",), "There is no command fly."),
        (("--fast",), "There is no option --fast."),
        (("deploy", "webhok"), "There is no function webhok"),
        (("status", "webhook"), "status takes no arguments."),
        (("stage",), "stage needs the folder"),
        (("secret",), "secret needs the name"),
        (("logs", "webhook", "readyz"), "logs takes no more arguments"),
        (("--project",), "--project needs a value."),
    ],
)
def test_wrong_usage_is_a_sentence_and_status_2(
    project: Project, arguments: tuple[str, ...], words: str
) -> None:
    run = project.deploy(*arguments)
    assert run.status == 2
    assert words in run.err
    assert run.calls == ()


def _path_without(name: str, folder: Path) -> str:
    """Return a PATH with what the script uses, but not that tool."""
    folder.mkdir()
    for tool in ("bash", "env", "curl", "mktemp", "rm", "dirname"):
        found = shutil.which(tool)
        if tool != name and found:
            (folder / tool).symlink_to(found)
    return str(folder)


def test_a_missing_gcloud_is_a_sentence(project: Project, tmp_path: Path) -> None:
    path = _path_without("gcloud", tmp_path / "bin")
    run = project.deploy("--project=demo", extra={"PATH": path})
    assert run.status == 1
    assert run.err.startswith("gcloud is missing. Install it")
    assert run.err.endswith("The guide to this: docs/deploy.md, step 1\n")


def test_a_missing_project_is_a_sentence(project: Project, gcloud: Path) -> None:
    run = project.deploy()
    assert run.status == 1
    assert run.err.startswith("No project is chosen: --project ID")


def test_no_login_is_a_sentence(project: Project, gcloud: Path) -> None:
    run = project.deploy("--project=demo", extra={"CLOUDSDK_AUTH_ACCESS_TOKEN": ""})
    assert run.status == 1
    assert run.err.startswith("gcloud is not logged in: gcloud auth login\n")


def test_a_project_out_of_reach_is_a_sentence(project: Project, gcloud: Path) -> None:
    with serve(GoogleApis()) as proxy:
        run = project.deploy("--project=other", proxy=proxy)
    assert run.status == 1
    assert run.err.startswith("The project other cannot be read with this account:")


def _with_settings(project: Project, text: str, tmp_path: Path) -> tuple[str, ...]:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    return ("deploy", "--project=demo", "--dry-run", f"--env-file={file}")


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ('FYERS_PIN: "1234"', "FYERS_PIN is a secret"),
        ('FYERS_AUTH_CODE: "x"', "FYERS_AUTH_CODE is a secret"),
        ('WEBHOOK_MAX_QTTY: "2"', "there is no setting WEBHOOK_MAX_QTTY"),
        ('AUTH_URL: "https://x"', "AUTH_URL is set by deploy.sh itself"),
        ('STATE_BACKEND: "local"', "STATE_BACKEND is set by deploy.sh itself"),
        ("WEBHOOK_MAX_QTY: 2", "line 4: every line must read"),
        ('FYERS_APP_ID: "again"', "names FYERS_APP_ID twice"),
        ('WEBHOOK_MAX_QTY: "two"', "WEBHOOK_MAX_QTY must be a number"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_made(
    project: Project, tmp_path: Path, added: str, words: str
) -> None:
    text = f"{ENVIRONMENT_FILE}{added}\n"
    run = project.deploy(*_with_settings(project, text, tmp_path))
    assert run.status == 1
    assert words in run.err


def test_a_refusal_does_not_repeat_what_may_be_a_secret(
    project: Project, tmp_path: Path
) -> None:
    text = f'{ENVIRONMENT_FILE}FYERS_PIN: "4711"\n'
    run = project.deploy(*_with_settings(project, text, tmp_path))
    assert "4711" not in run.out + run.err


def test_missing_required_settings_are_named_together(
    project: Project, tmp_path: Path
) -> None:
    text = (ROOT / "env.yaml").read_text()
    run = project.deploy(*_with_settings(project, text, tmp_path))
    assert run.status == 1
    assert "needs a value for: FYERS_APP_ID FYERS_CLIENT_ID\n" in run.err
    assert run.err.endswith("The guide to this: docs/deploy.md, step 5\n")


def test_every_line_offered_in_env_yaml_is_accepted(
    project: Project, tmp_path: Path
) -> None:
    offered = (ROOT / "env.yaml").read_text()
    text = re.sub(r"(?m)^# ([A-Z_]+: \")", r"\1", offered).replace(
        '_ID: ""', '_ID: "x"'
    )
    run = project.deploy(*_with_settings(project, text, tmp_path))
    assert run.status == 0, run.err


def test_env_yaml_offers_the_defaults_of_the_code() -> None:
    offered = dict(
        re.findall(r'(?m)^# ([A-Z_]+): "(.*)"$', (ROOT / "env.yaml").read_text())
    )
    env = {"FYERS_APP_ID": "x", "GCS_BUCKET_NAME": "b", "GOOGLE_CLOUD_PROJECT": "p"}
    names = {field.name.upper() for field in fields(Settings)}
    known = {name: value for name, value in offered.items() if name in names}
    default = Settings.from_env(env, "readyz")
    assert Settings.from_env(env | known, "readyz") == default
    assert len(known) > 10


def test_an_app_for_data_only_is_warned_about(project: Project, tmp_path: Path) -> None:
    text = ENVIRONMENT_FILE.replace("-200", "-100")
    run = project.deploy(*_with_settings(project, text, tmp_path))
    assert run.status == 0, run.err
    assert "FYERS would refuse every order" in run.err.replace("\n", " ")


def test_a_project_whose_id_holds_403_can_be_deployed(
    project: Project, gcloud: Path
) -> None:
    """What is absent is told from what is forbidden by Google's words only."""
    google = GoogleApis()
    with serve(google) as proxy:
        run = project.deploy("--project=demo-403", proxy=proxy)
    assert "demo-403-fyers-alerts" in "".join(run.calls)
    assert run.steps()["Options chosen before"] == "ok"


def test_a_secret_that_does_not_exist_is_named(project: Project) -> None:
    run = project.deploy("secret", "FYERS_PINN", "--project=demo", "--dry-run")
    assert run.status == 2
    assert "There is no secret FYERS_PINN to change; there are: " in run.err


def test_without_a_terminal_a_missing_secret_is_a_sentence(
    project: Project, gcloud: Path
) -> None:
    google = GoogleApis()
    with serve(google) as proxy:
        run = project.deploy("--project=demo", proxy=proxy)
    assert run.status == 1
    assert "FYERS_PIN is not stored yet and this is no terminal" in run.err
    assert google.secrets == {}


def test_destroy_without_a_terminal_needs_yes(project: Project) -> None:
    run = project.deploy("destroy", "--project=demo", secrets=SECRETS)
    assert run.status == 1
    assert run.err.startswith(
        "destroy asks first, and this is no terminal: add --yes.\n"
    )
    assert run.calls == ()


def test_the_temporary_folder_is_gone_afterwards(
    project: Project, tmp_path: Path
) -> None:
    run = project.deploy("--dry-run", "--project=demo", extra={"TMPDIR": str(tmp_path)})
    assert run.status == 0, run.err
    assert list(tmp_path.iterdir()) == []
