"""What dev.sh says on a machine that lacks something."""

import shutil

import pytest

from tests.functional.dev_sh.conftest import Machine


def test_no_python_is_a_sentence(bare: Machine) -> None:
    status, output = bare.run("demo")
    assert (status, output) == (
        1,
        "Python 3.12 or 3.11 is needed and none runs here. Install one "
        "(https://www.python.org/downloads/), or set PYTHON=/path/to/python, and run "
        "./dev.sh again.\n",
    )


@pytest.mark.parametrize(
    ("program", "advice"),
    [("brew", "(brew install python@3.12)"), ("apt-get", "(sudo apt-get install")],
)
def test_the_sentence_fits_the_system(bare: Machine, program: str, advice: str) -> None:
    bare.program(program, "#!/bin/sh\n")
    assert advice in bare.run("demo")[1]


def test_a_shim_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.python("3.11")
    machine.program("python3.12", "#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    machine.run("setup")
    assert machine.calls() == ["venv .venv 3.11", "install"]


def test_pyenvs_own_versions_are_found_behind_its_shims(machine: Machine) -> None:
    folder = machine.root / ".pyenv" / "versions" / "3.12.1" / "bin"
    folder.mkdir(parents=True)
    shutil.move(machine.root / "bin" / "python3.12", folder)
    machine.run("setup")
    assert machine.calls() == ["venv .venv 3.12", "install"]


def test_python_3_12_comes_before_3_11(machine: Machine) -> None:
    machine.python("3.11")
    machine.run("setup")
    assert machine.calls()[0] == "venv .venv 3.12"


def test_a_python_that_cannot_make_environments_is_a_sentence(
    machine: Machine,
) -> None:
    status, output = machine.run("setup", NO_VENV="1")
    assert (status, output) == (
        1,
        f"{machine.root}/bin/python3.12 cannot make environments: its venv or "
        "ensurepip module is missing. On Debian and Ubuntu: sudo apt-get install "
        "python3.12-venv. Then run ./dev.sh again.\n",
    )


def test_a_python_that_was_named_and_does_not_fit_is_a_sentence(
    machine: Machine,
) -> None:
    status, output = machine.run("setup", PYTHON="/nowhere/python3")
    assert (status, output) == (
        1,
        "PYTHON=/nowhere/python3 does not run or is not Python 3.12 or 3.11.\n",
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "WARNING: Retrying (Retry(total=1)) after connection broken by "
            "'NewConnectionError(': [Errno -3] Temporary failure in name resolution'",
            "The package index is out of reach",
        ),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "ERROR: No matching distribution found for aiohttp==3.9.3",
            "The package index has no fitting aiohttp==3.9.3",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] "
            "Permission denied",
            "This folder may not be written",
        ),
        ("something nobody foresaw", "The lines above say why."),
    ],
    ids=["network", "space", "mirror", "rights", "unforeseen"],
)
def test_a_failed_install_says_why(machine: Machine, said: str, sentence: str) -> None:
    status, output = machine.run("setup", PIP_SAYS=said)
    assert (status, sentence in output.splitlines()[-1]) == (1, True)


def test_an_unforeseen_failure_shows_what_was_said(machine: Machine) -> None:
    assert "\nsomething else\n" in machine.run("setup", PIP_SAYS="something else")[1]


def test_an_environment_that_cannot_be_made_says_why(machine: Machine) -> None:
    _, output = machine.run("setup", VENV_SAYS="Error: [Errno 28] No space left")
    assert "could not be made. The disk is full" in output


def test_too_little_room_is_told_before_anything_is_written(machine: Machine) -> None:
    (machine.root / "bin" / "df").unlink()
    machine.program("df", "#!/bin/sh\necho Filesystem\necho /dev/x 9 9 102400 9% /\n")
    status, output = machine.run("setup")
    assert (status, output.split(";")[0], machine.calls()) == (
        1,
        "Only 100 MB are free on this disk",
        [],
    )


def test_no_temporary_files_are_left(machine: Machine) -> None:
    machine.run("setup", PIP_SAYS="no space left")
    machine.run("setup")
    assert list((machine.root / "tmp").iterdir()) == []
