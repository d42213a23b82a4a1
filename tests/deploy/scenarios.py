"""The two long stories: what happens in them is told here, asserted in the tests."""

from __future__ import annotations

import copy
import subprocess
from dataclasses import dataclass

from tests.deploy import google_project, google_run, google_stores, google_watch
from tests.deploy.google_apis import (
    NUMBER,
    REGION,
    Failure,
    GoogleApis,
    RefusedError,
    serve,
)
from tests.deploy.google_run import PARENT
from tests.deploy.project import SECRETS, Project, Run

ANSWERS = (google_project, google_run, google_stores, google_watch)
"""Importing them registers what the stand-in answers."""

IN_USE = RefusedError(
    400,
    "RESOURCE_IN_USE",
    "The subnetwork resource 'fyers-alerts' is already being used by 'serverless'",
)
DENIED = RefusedError(
    403, "PERMISSION_DENIED", "Permission 'run.services.create' denied"
)


@dataclass(frozen=True, slots=True)
class Story:
    """One run of deploy.sh, the changes it asked Google for, and the project after."""

    run: Run
    changes: tuple[str, ...]
    google: GoogleApis


@dataclass(frozen=True, slots=True)
class Whole:
    """A project's life with everything on."""

    address: Story
    first: Story
    second: Story
    asked: Story
    one_setting: Story
    destroyed: Story
    destroyed_again: Story


@dataclass(frozen=True, slots=True)
class Broken:
    """A deploy without a static address that fails half way, and what came then."""

    failed: Story
    repeated: Story
    other_code: Story
    rotated: Story
    paused: Story
    status: Story
    resumed: Story
    rolled_back: Story
    logs: Story
    journal: Story
    elsewhere: Story


def tell(google: GoogleApis, run: Run, before: int) -> Story:
    """Return a run as a story, with the project as it is now."""
    changes = tuple(google.changes()[before:])
    return Story(run, changes, copy.deepcopy(google))


def play(
    google: GoogleApis,
    project: Project,
    proxy: str,
    *arguments: str,
    now: str = "61200",
) -> Story:
    """Run deploy.sh at that time (day of the week and IST) and tell what happened."""
    before = len(google.changes())
    run = project.deploy(
        *arguments,
        "--project=demo",
        proxy=proxy,
        secrets=SECRETS,
        extra={"NOW": now},
    )
    return tell(google, run, before)


def just_enabled(api: str) -> RefusedError:
    """Return what Google says while an API is not known everywhere yet."""
    words = (
        f"{api} API has not been used in project {NUMBER} before or it is disabled. "
        "If you enabled this API recently, wait a few minutes and retry."
    )
    return RefusedError(403, "PERMISSION_DENIED", words)


BUILDER = "fyers-builder@demo.iam.gserviceaccount.com"
NEW_ACCOUNT = RefusedError(
    400, "INVALID_ARGUMENT", f"Service account {BUILDER} does not exist."
)
NEW_RIGHT = RefusedError(
    403,
    "PERMISSION_DENIED",
    f"{BUILDER} does not have storage.objects.get access to the object",
)
RESTRICTED = RefusedError(
    400,
    "FAILED_PRECONDITION",
    "due to quota restrictions, Cloud Build cannot run builds in this region",
)
NOT_READY = RefusedError(503, "UNAVAILABLE", "no route to FYERS yet")


def live_and_die(project: Project) -> Whole:
    """Ask for the address, deploy twice, change a setting, destroy in two goes.

    What Google was just told arrives late: an API, an account, a right. The setting is
    changed in market hours.
    """
    google = GoogleApis()
    policy = "cloudresourcemanager.googleapis.com/v1/projects/demo:setIamPolicy"
    google.failures += [
        Failure("GET", "/projects/demo/secrets", just_enabled("Secret Manager")),
        Failure("POST", policy, NEW_ACCOUNT),
        Failure("POST", "/builds:submit", NEW_RIGHT, times=2),
    ]
    with serve(google) as proxy:
        address = play(google, project, proxy, "address")
        first = play(google, project, proxy)
        second = play(google, project, proxy, "deploy")
        text = (project.folder / "env.yaml").read_text()
        (project.folder / "env.yaml").write_text(f'{text}WEBHOOK_MAX_QTY: "2"\n')
        google.made["jobs/fyers-warm-on"]["description"] = "of an older version"
        google.failures.append(Failure("GET", "next---webhook", NOT_READY, times=2))
        asked = play(google, project, proxy, "deploy", now="31000")
        changed = play(google, project, proxy, "deploy", "--yes", now="31000")
        google.failures.append(Failure("DELETE", "/subnetworks/", IN_USE))
        last = ("destroy", "--yes", "--with-data")
        destroyed = play(google, project, proxy, *last)
        again = play(google, project, proxy, "destroy", "--yes")
    return Whole(address, first, second, asked, changed, destroyed, again)


def edit_one_function(project: Project) -> None:
    """Commit a change to auth_url's main.py."""
    main = project.folder / "functions" / "auth_url" / "main.py"
    main.write_text(main.read_text() + "\n# changed\n")
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    commit = ["git", *who, "commit", "-qam", "Change auth_url"]
    subprocess.run(commit, cwd=project.folder, check=True, capture_output=True)


def break_and_repeat(project: Project) -> Broken:
    """Refuse one function once, run again, then do what one does on later days.

    Before the second run there is a kept instance, as of a time with a static address,
    and rights as an earlier version gave them. New code may then not be built here, and
    the uptime check of an earlier version is changed.
    """
    google = GoogleApis()
    google.failures.append(
        Failure("POST", "/namespaces/demo/services", DENIED, b'"refresh-token"')
    )
    mail = "--alert-email=owner@example.com"
    with serve(google) as proxy:
        failed = play(google, project, proxy, "deploy", "--no-static-ip", mail)
        google.made["jobs/fyers-warm-on"] = {"name": f"{PARENT}/jobs/fyers-warm-on"}
        give_rights_of_before(google)
        repeated = play(google, project, proxy, "deploy", mail)
        edit_one_function(project)
        google.failures.append(
            Failure("POST", f"{REGION}/builds:submit", RESTRICTED),
        )
        google.made["uptimeCheckConfigs/1"] |= check_of_before()
        other_code = play(google, project, proxy, "deploy", mail)
        rotated = play(google, project, proxy, "secret", "WEBHOOK_SECRET_TOKEN")
        paused = play(google, project, proxy, "pause")
        status = play(google, project, proxy, "status")
        resumed = play(google, project, proxy, "resume")
        rolled_back = play(google, project, proxy, "rollback", "auth-url")
        logs = play(google, project, proxy, "logs", "webhook")
        words = ("journal", "--day", "2026-11-24", "--csv")
        journal = play(google, project, proxy, *words)
        elsewhere = play(google, project, proxy, "deploy", "--region=us-central1")
    return Broken(
        failed,
        repeated,
        other_code,
        rotated,
        paused,
        status,
        resumed,
        rolled_back,
        logs,
        journal,
        elsewhere,
    )


def check_of_before() -> dict[str, object]:
    """Return what an earlier version's uptime check looked for."""
    return {"contentMatchers": [{"content": '"symbols"', "matcher": "MATCHES_REGEX"}]}


def give_rights_of_before(google: GoogleApis) -> None:
    """Add what an earlier version gave and this one takes back."""
    for resource, role, who in (
        ("demo", "roles/run.builder", "builder"),
        ("demo-fyers-alerts", "roles/storage.objectUser", "refresh-symbols"),
    ):
        member = f"serviceAccount:fyers-{who}@demo.iam.gserviceaccount.com"
        policy = google.policies.setdefault(resource, {"version": 1, "bindings": []})
        policy["bindings"].append({"role": role, "members": [member]})
