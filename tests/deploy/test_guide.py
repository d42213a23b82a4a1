"""docs/deploy.md: ten steps whose commands run, and to which deploy.sh points."""

from __future__ import annotations

import re

import pytest

from tests.deploy.project import ROOT, Project

GUIDE = (ROOT / "docs" / "deploy.md").read_text()
SCRIPTS = [ROOT / "deploy.sh", *(ROOT / "local" / "deploying").glob("*.sh")]
BLOCKS = re.findall(r"(?s)```sh\n(.*?)```", GUIDE)
TYPED = [line for block in BLOCKS for line in block.splitlines()]
OURS = sorted({*re.findall(r"`(\./deploy\.sh[^`]*)`", GUIDE), *TYPED})
COMMANDS = [line for line in OURS if line.startswith("./deploy.sh")]


def test_there_are_ten_steps() -> None:
    assert re.findall(r"(?m)^## (\d+)\. ", GUIDE) == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_is_one_the_script_runs(
    project: Project, command: str
) -> None:
    run = project.deploy(*command.split()[1:], "--dry-run", "--project=demo")
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
