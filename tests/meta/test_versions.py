"""Python versions and packages are the same wherever they are named."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.meta.sources import ROOT, files, name

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SUPPORTED = ["3.11", "3.12"]
REQUIREMENTS = ("requirements.txt", "tests/requirements.txt")
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.]+")


def test_pyproject_allows_the_supported_versions() -> None:
    assert PYPROJECT["project"]["requires-python"] == ">=3.11,<3.13"


def test_ruff_checks_for_the_oldest() -> None:
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py311"


def test_dev_sh_takes_the_supported_versions_newest_first() -> None:
    found = re.search(r'^VERSIONS="(.*?)"', (ROOT / "dev.sh").read_text(), re.MULTILINE)
    assert found
    assert found[1].split() == SUPPORTED[::-1]


def test_deploy_sh_runs_the_newest() -> None:
    script = ROOT / "deploy.sh"
    if not script.exists():
        pytest.skip("there is no deploy.sh yet")
    named = set(re.findall(r"\bpython3\d+\b", script.read_text()))
    assert "python" + SUPPORTED[-1].replace(".", "") in named


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_requirement_is_pinned(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in wanted if not PIN.fullmatch(line)] == []


def test_no_development_tool_is_deployed() -> None:
    runtime, tools = (
        {line.partition("==")[0].lower() for line in (ROOT / file).open()}
        for file in REQUIREMENTS
    )
    assert {entry for entry in runtime & tools if entry[0].isalpha()} == set()


@pytest.mark.parametrize("path", files("*.sh", ".ci/run"), ids=name)
def test_a_script_is_executable_bash_that_stops_at_errors(path: Path) -> None:
    text = path.read_text()
    assert path.stat().st_mode & 0o111
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
