"""dev.sh on machines that lack something, are interrupted, or are busy.

Each test runs a copy of dev.sh in a folder of its own, with a PATH that holds a few
plain tools and a stand-in for Python that makes "environments" at once.
"""

import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = (
    *("awk", "bash", "cat", "cmp", "cp", "cut", "df", "dirname", "find", "grep"),
    *("head", "id", "mkdir", "mktemp", "mv", "rm", "sed", "sh", "sleep", "tail", "tr"),
)

PYTHON = """#!/bin/bash
# Knows what dev.sh asks of a Python; notes installs and environments in $CALLS.
version={version}
tool=${{0##*/}}
case $tool in
  python*) ;;
  pip-audit)
    echo "${{AUDIT_SAYS:-$tool says so}}"
    [ "$tool" != "${{BROKEN_TOOL:-}}" ]
    exit
    ;;
  *) echo "$tool says so"; [ "$tool" != "${{BROKEN_TOOL:-}}" ]; exit ;;
esac
case "$*" in
  -V) echo "Python $version.7" ;;
  *fcntl*) exec {real} "$@" ;;
  *ensurepip*) exit "${{NO_VENV:-0}}" ;;
  *"not in sys.argv"*) case " $3 " in *" $version "*) ;; *) exit 1 ;; esac ;;
  *'"3.11" if'*) if [ $version = 3.12 ]; then echo 3.11; else echo 3.12; fi ;;
  *version_info*) echo "$version" ;;
  "-m venv --clear "*)
    echo "venv $4 $version" >>"$CALLS"
    if [ -n "${{VENV_SAYS:-}}" ]; then echo "$VENV_SAYS"; exit 1; fi
    rm -rf "$4"
    mkdir -p "$4/bin"
    for name in python ruff mypy lint-imports shellcheck pip-audit; do
      cp "$0" "$4/bin/$name"
    done
    ;;
  "-m pip --version") ;;
  "-m pip install "*)
    echo install >>"$CALLS"
    sleep "${{PIP_SECONDS:-0}}"
    if [ -n "${{PIP_SAYS:-}}" ]; then echo "$PIP_SAYS"; exit 1; fi
    ;;
  *)
    echo "ran $version: $*"
    if [ -n "${{SHOW:-}}" ]; then echo "$SHOW is ${{!SHOW}}"; fi
    exit "${{RAN_EXIT:-0}}"
    ;;
esac
"""


def _heard() -> None:
    """Take SIGINT as a terminal's shell does: bash cannot trap what it came to ignored.

    Whatever runs in the background of a script ignores it, a test run too.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Machine:
    """A developer's machine: a checkout, a PATH, an environment."""

    root: Path
    checkout: Path
    env: dict[str, str]

    def program(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def python(self, version: str = "3.12") -> None:
        self.program(
            f"python{version}", PYTHON.format(version=version, real=sys.executable)
        )

    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["./dev.sh", *arguments],
            cwd=self.checkout,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_heard,  # no thread of ours is at work
        )

    def run(self, *arguments: str, **env: str) -> tuple[int, str]:
        with self.start(*arguments, **env) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A machine without any Python."""
    machine = Machine(tmp_path, tmp_path / "checkout", {})
    for folder in ("bin", "tmp", "checkout/tests", "checkout/local", "checkout/docs"):
        (tmp_path / folder).mkdir(parents=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    shutil.copy(ROOT / "dev.sh", machine.checkout)
    (machine.checkout / "requirements.txt").write_text("one==1\n")
    (machine.checkout / "tests" / "requirements.txt").write_text("two==2\n")
    (machine.checkout / "docs" / "dependencies.md").write_text("CVE-2024-35195\n")
    machine.env = {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path / "tmp"),
        "CALLS": str(tmp_path / "calls"),
    }
    return machine


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """A machine with Python 3.12."""
    bare.python()
    return bare


@pytest.fixture
def user(machine: Machine) -> Machine:
    """Somebody who is not root."""
    (machine.root / "bin" / "id").unlink()
    machine.program("id", "#!/bin/sh\necho 1000\n")
    return machine


@pytest.fixture
def root(machine: Machine) -> Machine:
    """The super-user of a Debian."""
    (machine.root / "bin" / "id").unlink()
    machine.program("id", "#!/bin/sh\necho 0\n")
    machine.program("apt-get", '#!/bin/sh\necho "apt-get $1" >>"$CALLS"\n')
    return machine
