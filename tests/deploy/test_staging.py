"""What is uploaded for each function, loaded as the platform will load it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.project import FUNCTIONS, ROOT, Project

LOAD = """
import sys
from functions_framework import create_app
app = create_app(sys.argv[1], sys.argv[2] + "/main.py")
import shared
print(shared.__file__)
"""


@pytest.fixture(scope="module")
def staged(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged") / "new"
    run = project.deploy("stage", str(folder))
    assert run.status == 0, run.err
    return folder


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run this interpreter without the tree, the current folder or PYTHONPATH."""
    return subprocess.run(
        [sys.executable, "-I", "-B", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_is_a_folder_for_every_function(staged: Path) -> None:
    assert {folder.name for folder in staged.iterdir()} == set(FUNCTIONS)
    folders = (ROOT / "functions").iterdir()
    assert {f.parent.name for f in (ROOT / "functions").glob("*/main.py")} == set(
        FUNCTIONS
    ), sorted(folders)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_stage_holds_the_function_shared_and_requirements_only(
    staged: Path, function: str
) -> None:
    names = {path.name for path in (staged / function).iterdir()}
    assert names == {"main.py", "functions", "shared", "requirements.txt"}
    inside = {path.name for path in (staged / function / "functions").iterdir()}
    assert inside == {"__init__.py", function}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_framework_loads_a_stage_with_its_own_shared(
    staged: Path, function: str, tmp_path: Path
) -> None:
    loaded = python("-c", LOAD, function, str(staged / function), cwd=tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    assert Path(loaded.stdout.strip()) == staged / function / "shared" / "__init__.py"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_builds_compilation_of_a_stage_passes(staged: Path, function: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compileall", "-f", "-q", "."],
        cwd=staged / function,
        env={"PYTHONPYCACHEPREFIX": str(staged.parent / "pycache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_builds_dependency_check_passes(staged: Path) -> None:
    """As the build does after installing exactly these pins."""
    pins = (staged / "webhook" / "requirements.txt").read_text().splitlines()
    wanted = {
        line.split("==")[0].split("[")[0].lower().replace("_", "-"): line.split("==")[
            1
        ].split()[0]
        for line in pins
        if "==" in line and not line.startswith((" ", "#"))
    }
    frozen = python("-m", "pip", "list", "--format=freeze", cwd=staged).stdout
    installed = {
        line.split("==")[0].lower().replace("_", "-"): line.split("==")[1]
        for line in frozen.splitlines()
    }
    assert {name: installed.get(name) for name in wanted} == wanted
    checked = python("-m", "pip", "check", cwd=staged)
    assert checked.returncode == 0, checked.stdout


def test_what_is_staged_is_the_commit_and_not_the_disk(
    own_project: Project, tmp_path: Path
) -> None:
    main = own_project.folder / "functions" / "readyz" / "main.py"
    main.write_text("broken on the disk only")
    run = own_project.deploy("stage", "--allow-dirty", str(tmp_path / "out"), "readyz")
    assert run.status == 0, run.err
    staged = tmp_path / "out" / "readyz" / "functions" / "readyz" / "main.py"
    assert "functions_framework" in staged.read_text()


def test_a_file_that_differs_from_the_commit_is_refused_by_name(
    own_project: Project, tmp_path: Path
) -> None:
    (own_project.folder / "shared" / "forgotten.py").write_text("")
    run = own_project.deploy("stage", str(tmp_path / "out"))
    assert run.status == 1
    assert "shared/forgotten.py" in run.err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_is_never_staged_over(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("")
    run = project.deploy("stage", str(tmp_path))
    assert run.status == 1
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_one_function_can_be_staged_alone(project: Project, tmp_path: Path) -> None:
    project.deploy("stage", str(tmp_path / "out"), "auth-url")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["auth_url"]
