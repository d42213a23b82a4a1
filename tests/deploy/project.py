"""A clone of this tree with an owner's settings, and deploy.sh run in it offline.

The real gcloud runs; its proxy is the stand-in, so nothing can leave the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared import config

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = config.FUNCTIONS
SECRETS = {
    "FYERS_SECRET_ID": "SECRETIDVALUE",
    "FYERS_PIN": "PINVALUE4711",
    "NOTIFICATION_URL": "http://hook.invalid/NOTICEVALUE",
}
ENVIRONMENT_FILE = (
    'FYERS_APP_ID: "ABCD1234EF-200"\nFYERS_CLIENT_ID: "XA00001"\n'
    'TOKEN_REFRESH: "true"\n'  # so that every secret is asked for
)
GCLOUD_APIS = (
    "run",
    "cloudbuild",
    "artifactregistry",
    "iam",
    "storage",
    "serviceusage",
    "cloudresourcemanager",
    "firestore",
    "pubsub",
    "secretmanager",
    "cloudscheduler",
    "monitoring",
    "logging",
    "cloudbilling",
)

LOCAL_FOLDERS = ("local/deploying", "local/rehearsing")
LOCAL_FILES = ("local/__init__.py", "local/rehearsal.py", "local/journal.py")
"""What deploy.sh calls besides gcloud."""

HOST_PROGRAM = Path(__file__).with_name("gcloud_host.py")

STEP = re.compile(r"(?m)^(\S.*?) +(ok|skipped|FAILED)(?: \(\d+ s\))?$")

GCLOUD_SHIM = """#!/usr/bin/env bash
printf '%s\\n' "gcloud $*" >>"$CALLS"
if [ -S "$GCLOUD_HOST" ] && [ ! -t 0 ] && [ ! -t 1 ] && [ ! -t 2 ]; then
  exec "$GCLOUD_PYTHON" -I -S "$HOST_PROGRAM" --ask "$GCLOUD_HOST" "$@"
fi
exec "$REAL_GCLOUD" "$@"
"""
"""gcloud by its host where there is one, itself on a terminal: it looks at what it is
started on."""
CURL_SHIM = """#!/usr/bin/env bash
exec "$REAL_CURL" "${@/#https:/http:}"
"""
SLEEP_SHIM = """#!/usr/bin/env bash
exec "$REAL_SLEEP" 0.05
"""
DATE_SHIM = """#!/usr/bin/env bash
if [ "$*" = +%u%H%M ]; then echo "${NOW:-61200}"; else exec "$REAL_DATE" "$@"; fi
"""
"""Saturday noon, unless a test says otherwise."""


@dataclass(frozen=True, slots=True)
class Run:
    """How one run of deploy.sh ended."""

    status: int
    out: str
    err: str
    calls: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Return the command it was; none is a deploy."""
        words = [word for word in self.arguments if word.isalpha()]
        return words[0] if words else "deploy"

    def steps(self) -> dict[str, str]:
        """Return each step's title and how it ended."""
        found = STEP.findall(self.out)
        return dict(found)


@dataclass(frozen=True, slots=True)
class Project:
    """A committed copy of the tree, and where its helpers are."""

    folder: Path
    home: Path

    def deploy(
        self,
        *arguments: str,
        proxy: str = "http://127.0.0.1:9",
        secrets: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Run:
        """Run deploy.sh with these arguments and no terminal; return how it ended."""
        calls = self.home / "calls"
        calls.write_text("")
        with subprocess.Popen(
            [str(self.folder / "deploy.sh"), *arguments],
            cwd=self.home,
            env={**self.environment(proxy), **(secrets or {}), **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            out, err = process.communicate()
        lines = tuple(calls.read_text().splitlines())
        return Run(process.returncode, out, err, lines, arguments)

    def environment(self, proxy: str) -> dict[str, str]:
        """Return an environment from which gcloud reaches the stand-in only."""
        overrides = {
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": (
                f"http://{api}.googleapis.com/"
            )
            for api in GCLOUD_APIS
        }
        return {
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "CALLS": str(self.home / "calls"),
            "REAL_GCLOUD": shutil.which("gcloud") or "",
            "GCLOUD_HOST": os.environ.get("GCLOUD_HOST", ""),
            "GCLOUD_PYTHON": os.environ.get("GCLOUD_PYTHON", ""),
            "HOST_PROGRAM": str(HOST_PROGRAM),
            "REAL_CURL": shutil.which("curl") or "",
            "REAL_SLEEP": shutil.which("sleep") or "",
            "REAL_DATE": shutil.which("date") or "",
            "CLOUDSDK_CONFIG": str(self.home / "gcloud"),
            "CLOUDSDK_AUTH_ACCESS_TOKEN": "x",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            **overrides,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": (
                "http://compute.googleapis.com/compute/v1/"
            ),
            "http_proxy": proxy,
            "https_proxy": proxy,
            "no_proxy": "",
        }


def clone(home: Path) -> Project:
    """Return a project whose one commit is the tree as it is on disk."""
    folder = home / "project"
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in ("functions", "shared", *LOCAL_FOLDERS, "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("deploy.sh", "requirements.txt", *LOCAL_FILES):
        shutil.copy2(ROOT / name, folder / name)
    (folder / "env.yaml").write_text(ENVIRONMENT_FILE)
    _commit(folder)
    _write_shims(home / "bin")
    return Project(folder, home)


def _commit(folder: Path) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for command in (
        ("init", "-q"),
        ("add", "."),
        (*who, "commit", "-q", "-m", "The tree"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)


def _write_shims(folder: Path) -> None:
    folder.mkdir()
    shims = {"gcloud": GCLOUD_SHIM, "curl": CURL_SHIM}
    for name, text in {**shims, "sleep": SLEEP_SHIM, "date": DATE_SHIM}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
