"""docs/deploy.md: ten steps whose commands run, and to which deploy.sh points."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.project import ROOT, Project, clone

GUIDE = (ROOT / "docs" / "deploy.md").read_text()
SCRIPTS = [ROOT / "deploy.sh", *(ROOT / "local" / "deploying").glob("*.sh")]
BLOCKS = re.findall(r"(?s)```sh\n(.*?)```", GUIDE)
TYPED = [line for block in BLOCKS for line in block.splitlines()]
OURS = sorted({*re.findall(r"`(\./deploy\.sh[^`]*)`", GUIDE), *TYPED})
COMMANDS = [line for line in OURS if line.startswith("./deploy.sh")]


def test_there_are_ten_steps() -> None:
    assert re.findall(r"(?m)^## (\d+)\. ", GUIDE) == [str(n) for n in range(1, 11)]


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a clone in which somebody followed the guide: the first two settings."""
    project = clone(tmp_path_factory.mktemp("owner"))
    text = (ROOT / "env.yaml").read_text()
    for name, value in (("FYERS_APP_ID", "ABCD-200"), ("FYERS_CLIENT_ID", "XA1")):
        assert f'\n{name}: ""\n' in text
        text = text.replace(f'\n{name}: ""\n', f'\n{name}: "{value}"\n')
    (project.folder / "env.yaml").write_text(text)
    return project


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_is_one_the_script_runs(
    owners: Project, command: str
) -> None:
    run = owners.deploy(*command.split()[1:], "--dry-run", "--project=demo")
    assert run.status == 0, run.err


def test_the_project_is_the_one_that_gcloud_was_told(
    own_project: Project, gcloud: Path
) -> None:
    told = next(line for line in TYPED if line.startswith("gcloud config set project"))
    words = [*told.split()[1:-1], "a-project-of-mine"]
    environment = own_project.environment("http://127.0.0.1:9")
    subprocess.run([str(gcloud), *words], env=environment, check=True)
    run = own_project.deploy("status", "--dry-run")
    assert run.status == 0, run.err
    assert "--project=a-project-of-mine" in run.out


def test_a_fresh_clone_is_all_that_is_needed(own_project: Project) -> None:
    line = next(line for line in TYPED if line.startswith("git clone"))
    words = line.replace("YOUR-CLONE-OF-THIS-REPOSITORY", str(own_project.folder))
    home = own_project.home
    subprocess.run(words.split(), cwd=home, check=True, capture_output=True)
    folder = next(line for line in TYPED if line.startswith("cd ")).split()[1]
    fresh = replace(own_project, folder=home / folder)
    run = fresh.deploy("address", "--dry-run", "--project=demo")
    assert run.status == 0, run.err


def test_every_command_of_the_help_is_in_the_guide_or_for_developers() -> None:
    help_text = (ROOT / "local" / "deploying" / "help.txt").read_text()
    listed = help_text.partition("Commands\n")[2].partition("\nOptions")[0]
    words = re.findall(r"(?m)^  ([a-z]+(?:, [a-z]+)*)", listed)
    commands = {word for line in words for word in line.split(", ")}
    shown = {command.split()[1] for command in COMMANDS if " " in command}
    assert commands - shown == {"deploy", "stage"}


def test_what_else_is_typed_are_commands_everybody_knows() -> None:
    others = {line.split()[0] for line in TYPED if not line.startswith("./deploy.sh")}
    assert others == {"git", "cd", "gcloud", "nano"}


def test_the_script_points_only_to_steps_the_guide_has() -> None:
    text = "".join(script.read_text() for script in SCRIPTS)
    steps = {int(n) for n in re.findall(r"GUIDE=(\d+)", text)}
    steps |= {int(n) for n in re.findall(r"docs/deploy\.md, step (\d+)", text)}
    assert steps
    assert steps <= set(range(1, 11))


def test_the_guide_says_what_it_costs() -> None:
    for price in ("$9", "$3.65", "$0.30"):
        assert price in GUIDE
