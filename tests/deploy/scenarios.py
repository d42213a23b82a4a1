"""The two long stories: what happens in them is told here, asserted in the tests."""

from __future__ import annotations

import copy
import subprocess
from dataclasses import dataclass

from tests.deploy import google_project, google_run, google_stores
from tests.deploy.google_apis import Failure, GoogleApis, RefusedError, serve
from tests.deploy.google_run import PARENT
from tests.deploy.project import SECRETS, Project, Run

ANSWERS = (google_project, google_run, google_stores)
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
    after_edit: Story
    destroyed: Story
    destroyed_again: Story


@dataclass(frozen=True, slots=True)
class Broken:
    """A deploy without a static address that fails half way, and what came then."""

    failed: Story
    repeated: Story
    status: Story


def tell(google: GoogleApis, run: Run, before: int) -> Story:
    """Return a run as a story, with the project as it is now."""
    changes = tuple(google.changes()[before:])
    return Story(run, changes, copy.deepcopy(google))


def play(google: GoogleApis, project: Project, proxy: str, *arguments: str) -> Story:
    """Run deploy.sh and tell what happened."""
    before = len(google.changes())
    run = project.deploy(*arguments, "--project=demo", proxy=proxy, secrets=SECRETS)
    return tell(google, run, before)


def live_and_die(project: Project) -> Whole:
    """Ask for the address, deploy twice, edit one function, destroy in two goes."""
    google = GoogleApis()
    new = "Service account fyers-builder@demo.iam.gserviceaccount.com does not exist."
    google.failures.append(
        Failure(
            "POST",
            "cloudresourcemanager.googleapis.com/v1/projects/demo:setIamPolicy",
            RefusedError(400, "INVALID_ARGUMENT", new),
        )
    )
    with serve(google) as proxy:
        address = play(google, project, proxy, "address")
        first = play(google, project, proxy)
        second = play(google, project, proxy, "deploy")
        edit_one_function(project)
        google.made["jobs/fyers-warm-on"]["description"] = "of an older version"
        after_edit = play(google, project, proxy, "deploy", "auth-url", "webhook")
        google.failures.append(Failure("DELETE", "/subnetworks/", IN_USE))
        last = ("destroy", "--yes", "--with-data")
        destroyed = play(google, project, proxy, *last)
        again = play(google, project, proxy, "destroy", "--yes")
    return Whole(address, first, second, after_edit, destroyed, again)


def edit_one_function(project: Project) -> None:
    """Commit a change to auth_url's main.py."""
    main = project.folder / "functions" / "auth_url" / "main.py"
    main.write_text(main.read_text() + "\n# changed\n")
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    commit = ["git", *who, "commit", "-qam", "Change auth_url"]
    subprocess.run(commit, cwd=project.folder, check=True, capture_output=True)


def break_and_repeat(project: Project) -> Broken:
    """Refuse the fourth function once, run again, and ask for the status.

    Before the second run there is a kept instance, as of a time with a static address.
    """
    google = GoogleApis()
    google.failures.append(
        Failure("POST", "/namespaces/demo/services", DENIED, b'"refresh-token"')
    )
    with serve(google) as proxy:
        failed = play(google, project, proxy, "deploy", "--no-static-ip")
        google.made["jobs/fyers-warm-on"] = {"name": f"{PARENT}/jobs/fyers-warm-on"}
        repeated = play(google, project, proxy, "deploy", "--no-static-ip")
        status = play(google, project, proxy, "status")
    return Broken(failed, repeated, status)
