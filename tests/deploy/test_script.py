"""deploy.sh as a script: lint, portability, and what must agree with the rest."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shared import config
from tests.deploy.project import ROOT

PARTS = [ROOT / "deploy.sh", *sorted((ROOT / "local" / "deploying").glob("*.sh"))]
SCRIPT = "\n".join(part.read_text() for part in PARTS)


def test_shellcheck_finds_nothing() -> None:
    tool = shutil.which("shellcheck") or str(Path(sys.executable).parent / "shellcheck")
    found = subprocess.run(
        [tool, "--severity=style", *map(str, PARTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    "newer",
    [
        r"declare -[gnA]",
        r"local -[nA]",
        r"\b(mapfile|readarray|coproc)\b",
        r"\$\{\w+(\^\^?|,,?)\}",
        r"\$\{[^}]*@[QPAEa]\}",
        r"&>>",
        r"\|&",
        r";;&",
        r"\bread [^|\n]*-t ?0?\.",
        r"\[\[? -v ",
        r"printf -v [a-z]+\[",
        r"\bwait -n\b",
        r"EPOCHSECONDS|SRANDOM",
    ],
)
def test_nothing_newer_than_bash_3_2_is_used(newer: str) -> None:
    assert re.findall(newer, SCRIPT) == []


@pytest.mark.parametrize(
    "early",
    [r"(?<!\|)\|\s*grep -\w*q", r"(?<!\|)\|\s*awk [^|]*\bexit\b[^|]*$"],
    ids=["grep", "awk"],
)
def test_nothing_is_piped_into_what_ends_before_it_has_read_all(early: str) -> None:
    """Bash writes line by line: a reader that is gone by then makes a match a failure.

    It happens about once in a thousand times, and more often on a busy machine.
    """
    assert re.findall(early, SCRIPT, re.MULTILINE) == []


def test_an_array_that_may_be_empty_is_never_expanded_bare() -> None:
    """Bash before 4.4 calls an empty one unset."""
    empty = set(re.findall(r"\b(\w+)=\(\)", SCRIPT))
    bare = set(re.findall(r'(?<!\+)"\$\{(\w+)\[@\]\}"', SCRIPT))
    always_filled = {"missing", "flags", "names"}
    assert empty & bare <= always_filled


def test_the_script_has_a_line_for_every_function_of_the_settings_table() -> None:
    """A line without a folder waits for it; a function without a line is forgotten."""
    table = re.search(r"FUNCTIONS_TABLE='(.*?)'", SCRIPT, re.DOTALL)
    assert table is not None
    names = {line.split()[0] for line in table[1].splitlines() if line.strip()}
    assert set(config.FUNCTIONS) <= names
    assert names - set(config.FUNCTIONS) <= {"desk"}


def test_the_runtime_is_one_the_project_supports() -> None:
    runtime = re.search(r"BASE_IMAGE=python(\d)(\d+)", SCRIPT)
    assert runtime is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    low, high = re.findall(r"\d+\.(\d+)", project["requires-python"])
    assert int(low) <= int(runtime.group(2)) < int(high)


def test_nothing_is_said_to_gcloud_but_through_the_layer_that_dry_run_stops() -> None:
    lines = [line.strip() for line in SCRIPT.splitlines()]
    direct = [line for line in lines if re.match(r"(.*\$\()?gcloud ", line)]
    assert [line.split()[1] for line in direct if '"$@"' not in line] == ["config"]
