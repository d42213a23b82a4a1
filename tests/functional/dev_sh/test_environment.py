"""The environment dev.sh makes: once, again when it must be, never half."""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.functional.dev_sh.conftest import Machine
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until


def test_the_first_run_makes_the_environment(machine: Machine) -> None:
    machine.run("setup")
    assert machine.calls() == ["venv .venv 3.12", "install"]


def test_git_sees_nothing_of_the_environment(machine: Machine) -> None:
    machine.run("setup")
    assert (machine.checkout / ".venv" / ".gitignore").read_text() == "*\n"


def test_later_runs_start_in_under_two_seconds(machine: Machine) -> None:
    machine.run("setup")
    with Stopwatch() as took:
        machine.run("demo")
    assert (took.seconds < 2, len(machine.calls())) == (True, 2)


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt"])
def test_changed_requirements_are_installed_over_what_is_there(
    machine: Machine, name: str
) -> None:
    machine.run("setup")
    (machine.checkout / name).write_text("three==3\n")
    machine.run("setup")
    assert machine.calls()[2:] == ["install"]


def test_a_moved_checkout_gets_a_new_environment(machine: Machine) -> None:
    machine.run("setup")
    machine.checkout = machine.checkout.rename(machine.root / "moved here")
    machine.run("setup")
    assert machine.calls()[2:] == ["venv .venv 3.12", "install"]


def test_an_environment_whose_python_is_gone_is_made_again(machine: Machine) -> None:
    machine.run("setup")
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    machine.run("setup")
    assert machine.calls()[2:] == ["venv .venv 3.12", "install"]


def test_an_environment_made_by_hand_is_completed(machine: Machine) -> None:
    machine.run("setup")
    (machine.checkout / ".venv" / "dev-stamp").unlink()
    machine.run("setup")
    assert machine.calls()[2:] == ["install"]


def test_an_interruption_ends_all_and_says_how_to_go_on(machine: Machine) -> None:
    with machine.start("setup", PIP_SECONDS="30") as process:
        until(lambda: "install" in machine.calls())
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=10)
    assert (process.returncode, output.splitlines()[-1]) == (
        130,
        "Stopped. Run ./dev.sh again to go on.",
    )


def test_a_killed_script_leaves_nothing_that_prints(machine: Machine) -> None:
    with machine.start("setup", PIP_SECONDS="1") as process:
        until(lambda: "install" in machine.calls())
        process.kill()
        process.wait()
        process.communicate(timeout=20)  # ends once nobody holds its output


def test_after_an_interrupted_install_the_environment_is_made_afresh(
    machine: Machine,
) -> None:
    with machine.start("setup", PIP_SECONDS="30") as process:
        until(lambda: "install" in machine.calls())
        os.killpg(process.pid, signal.SIGKILL)
    status, _ = machine.run("setup")
    assert (status, machine.calls()[2:]) == (0, ["venv .venv 3.12", "install"])


def test_two_runs_at_once_install_once(machine: Machine) -> None:
    with machine.start("setup", PIP_SECONDS="2") as first:
        until(lambda: "install" in machine.calls())
        status, output = machine.run("setup")
        first.communicate(timeout=20)
    assert (first.returncode, status, machine.calls().count("install")) == (0, 0, 1)
    assert output.startswith("Another ./dev.sh is preparing the environment")


def test_an_install_is_never_silent_for_more_than_two_seconds(
    machine: Machine,
) -> None:
    with machine.start("setup", PIP_SECONDS="5") as process:
        assert process.stdout is not None
        times = [time.monotonic()]
        times += [time.monotonic() for _ in process.stdout]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert max(gaps) < 2.5  # two seconds and what a busy machine adds


def test_it_works_with_the_python_at_hand(machine: Machine) -> None:
    (machine.checkout / "requirements.txt").write_text("")
    (machine.checkout / "tests" / "requirements.txt").write_text("")
    real = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    status, output = machine.run("setup", PYTHON=str(real))
    assert (status, output.splitlines()[-1]) == (
        0,
        f"Ready: .venv (Python {sys.version.split()[0]})",
    )
