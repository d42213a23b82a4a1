"""Python versions and packages are the same wherever they are named."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.meta.sources import ROOT, files, name

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SUPPORTED = ["3.11", "3.12"]
REQUIREMENTS = ("requirements.txt", "tests/requirements.txt")
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z,]+\])?==[A-Za-z0-9.]+")


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


def packages(file: str) -> dict[str, str]:
    """Return the pinned packages of a file, by the name that pip compares."""
    lines = re.findall(r"^[A-Za-z0-9].*", (ROOT / file).read_text(), re.MULTILINE)
    pins = [line.removesuffix("\\").strip() for line in lines]
    assert [pin for pin in pins if not PIN.fullmatch(pin)] == []
    found = [re.sub(r"\[.*\]", "", pin).partition("==") for pin in pins]
    return {name.lower().replace("_", "-"): version for name, _, version in found}


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_requirement_is_pinned_with_its_hashes(file: str) -> None:
    """One without would let pip refuse the whole file, or take any other's upload."""
    text = (ROOT / file).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(packages(file))
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_what_is_pinned_by_hand_is_what_is_installed(file: str) -> None:
    by_hand = packages(file.replace(".txt", ".in"))
    assert by_hand
    assert by_hand.items() <= packages(file).items()


def test_no_development_tool_is_deployed() -> None:
    runtime, tools = (packages(file) for file in REQUIREMENTS)
    assert set(runtime) & set(tools) == set()


@pytest.mark.parametrize("path", files("*.sh", ".ci/run"), ids=name)
def test_a_script_is_executable_bash_that_stops_at_errors(path: Path) -> None:
    text = path.read_text()
    assert path.stat().st_mode & 0o111
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
