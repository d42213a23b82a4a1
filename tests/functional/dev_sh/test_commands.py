"""What dev.sh offers: help, arguments, check and test."""

import pytest

from tests.functional.dev_sh.conftest import Machine


@pytest.mark.parametrize("command", ["demo", "run", "test", "check", "setup"])
def test_help_names(bare: Machine, command: str) -> None:
    status, output = bare.run("--help")
    assert (status, f"\n  {command} " in output) == (0, True)


@pytest.mark.parametrize("command", ["bench", "soak"])
def test_help_names_what_comes_later_only_once_it_is_there(
    bare: Machine, command: str
) -> None:
    before = f"\n  {command} " in bare.run("--help")[1]
    (bare.checkout / "local" / f"{command}.py").touch()
    after = f"\n  {command} " in bare.run("--help")[1]
    assert (before, after) == (False, True)


def test_help_needs_no_python_and_makes_nothing(bare: Machine) -> None:
    bare.run()
    assert not (bare.checkout / ".venv").exists()


def test_an_unknown_command_is_refused(bare: Machine) -> None:
    assert bare.run("dmeo") == (
        2,
        "Unknown command: dmeo. ./dev.sh --help lists them.\n",
    )


def test_a_command_without_its_module_is_refused(machine: Machine) -> None:
    assert machine.run("bench") == (2, "There is no local/bench.py here yet.\n")


@pytest.mark.parametrize("command", ["demo", "run"])
def test_arguments_and_status_are_passed_on(machine: Machine, command: str) -> None:
    status, output = machine.run(command, "--port", "1 2", RAN_EXIT="7")
    assert (status, output.splitlines()[-1]) == (
        7,
        f"ran 3.12: -m local.{command} --port 1 2",
    )


def test_check_prints_one_line_per_tool(machine: Machine) -> None:
    machine.run("setup")
    status, output = machine.run("check")
    assert status == 0
    assert [line.split("ok")[0].strip() for line in output.splitlines()] == [
        "ruff format",
        "ruff",
        "shellcheck",
        "lint-imports",
        "pip check",
        "mypy",
        "pip-audit",
    ]


def test_check_goes_on_after_a_failure_and_ends_with_it(machine: Machine) -> None:
    machine.run("setup")
    status, output = machine.run("check", BROKEN_TOOL="shellcheck")
    assert status == 1
    assert "shellcheck    FAILED\nshellcheck says so\nlint-imports  ok" in output
    assert output.endswith("Failed: shellcheck;\n")


def test_pytest_gets_the_arguments(machine: Machine) -> None:
    _, output = machine.run("test", "tests/unit", "-k", "a or b")
    assert output.splitlines()[-1] == "ran 3.12: -m pytest tests/unit -k a or b"


def test_without_a_selection_the_tests_are_spread_over_the_processors(
    user: Machine,
) -> None:
    _, output = user.run("test")
    assert output.splitlines()[-1].startswith(
        "ran 3.12: -m pytest --dist loadfile --no-loadscope-reorder -n auto -m not slow"
    )


def test_all_pythons_runs_what_may_differ_on_the_other(machine: Machine) -> None:
    machine.python("3.11")
    _, output = machine.run("test", "--all", "tests/unit")
    assert "ran 3.12: -m pytest tests/unit\n" in output
    last = output.splitlines()[-1]
    assert last.startswith("ran 3.11: -m pytest")
    assert "tests/unit tests/usecase tests/functional/test_framework.py" in last


def test_all_pythons_fails_when_the_first_fails(machine: Machine) -> None:
    machine.python("3.11")
    status, output = machine.run("test", "--all", "tests", RAN_EXIT="1")
    assert (status, "ran 3.11" in output) == (1, False)


def test_all_pythons_says_when_there_is_no_other(machine: Machine) -> None:
    status, output = machine.run("test", "--all", "tests/unit")
    assert (status, output.splitlines()[-1]) == (
        0,
        "Python 3.11 is not installed here: the tests ran on Python 3.12.7 only.",
    )


def test_chromium_is_installed_where_that_asks_nobody(root: Machine) -> None:
    _, output = root.run("test")
    assert root.calls()[2:] == ["apt-get update", "apt-get install"]
    assert "Installing Debian's chromium for the browser tests" in output


def test_a_selection_of_tests_installs_nothing(root: Machine) -> None:
    root.run("test", "tests/unit")
    assert "apt-get install" not in root.calls()


def test_chromium_that_is_there_is_left_alone(root: Machine) -> None:
    root.program("chromium", "#!/bin/sh\n")
    root.run("test")
    assert "apt-get install" not in root.calls()


def test_another_chrome_is_named_to_the_tests(root: Machine) -> None:
    root.program("google-chrome", "#!/bin/sh\n")
    _, output = root.run("test", SHOW="CHROMIUM")
    assert output.endswith(f"CHROMIUM is {root.root}/bin/google-chrome\n")


def test_without_chromium_the_tests_run_and_say_what_is_skipped(user: Machine) -> None:
    status, output = user.run("test")
    assert (status, "the browser tests will be skipped" in output) == (0, True)


def test_without_chromium_ci_fails(user: Machine) -> None:
    status, output = user.run("test", REQUIRE_EMULATORS="1")
    assert (status, "REQUIRE_EMULATORS asks for the browser tests" in output) == (
        1,
        True,
    )


def test_an_audit_whose_database_is_away_says_that_it_did_not_run(
    machine: Machine,
) -> None:
    status, output = machine.run("check", AUDIT_SAYS="x could not be audited")
    assert status == 0, output
    assert "pip-audit     DID NOT RUN: its database is out of reach" in output


def test_a_known_hole_fails_the_check_unless_it_is_explained(machine: Machine) -> None:
    status, output = machine.run("check", BROKEN_TOOL="pip-audit")
    assert status == 1
    assert output.endswith("Failed: pip-audit;\n")
