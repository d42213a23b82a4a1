"""Runs of deploy.sh after a first one: failed half way, repeated, destroyed."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime

import pytest

from shared.config import FUNCTIONS, REQUIRED
from shared.models import IST
from tests.deploy.project import Run
from tests.deploy.scenarios import Broken, Story, Whole
from tests.deploy.test_guide import COMMANDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_a_second_run_changes_nothing(whole: Whole) -> None:
    assert whole.second.run.status == 0, whole.second.run.out + whole.second.run.err
    assert whole.second.changes == ()


def test_a_second_run_calls_nothing_that_could_change_anything(whole: Whole) -> None:
    reading = {"describe", "list", "get-iam-policy"}
    assert all(reading & set(call.split()) for call in whole.second.run.calls)


def deployed(story: Story) -> list[str]:
    return sorted(c.split()[3] for c in story.run.calls if "run deploy" in c)


def test_in_market_hours_a_change_is_asked_about_first(whole: Whole) -> None:
    assert whole.asked.run.status == 1
    assert "The market is open." in whole.asked.run.err
    assert "add --yes" in whole.asked.run.err
    assert deployed(whole.asked) == []


def test_a_changed_setting_is_deployed_without_a_build(whole: Whole) -> None:
    story = whole.one_setting
    assert story.run.status == 0, story.run.out + story.run.err
    assert story.google.builds == whole.first.google.builds
    assert deployed(story) == sorted(f.replace("_", "-") for f in FUNCTIONS)


def test_a_changed_setting_asks_google_this_often(whole: Whole) -> None:
    assert len(whole.one_setting.run.calls) <= 75


def test_a_new_revision_gets_the_traffic_only_after_it_has_answered(
    whole: Whole,
) -> None:
    """The webhook's first two answers were refusals."""
    made = whole.one_setting.google
    paths = [f"{r.method} {r.path}" for r in made.requests]
    asked = [n for n, path in enumerate(paths) if "next---webhook" in path]
    moved = [
        n
        for n, path in enumerate(paths)
        if path.startswith("PUT") and path.endswith("/services/webhook")
    ]
    assert len(asked) == 3
    assert max(asked) < moved[-1]
    (traffic,) = made.made["services/webhook"]["spec"]["traffic"]
    assert traffic == {"latestRevision": True, "percent": 100}


def test_after_an_edit_there_is_one_build_in_a_region_that_may(
    broken: Broken,
) -> None:
    story = broken.other_code
    assert story.run.status == 0, story.run.out + story.run.err
    before = len(broken.repeated.google.builds)
    assert story.google.builds[before:] == ["asia-east1"]
    assert deployed(story) == sorted(
        ["fyers-image", "fyers-image", *(f.replace("_", "-") for f in FUNCTIONS)]
    )
    assert "in a few regions only" in story.run.out


def test_an_image_built_elsewhere_is_found_again(broken: Broken) -> None:
    assert broken.rotated.google.builds == broken.other_code.google.builds


def test_a_schedule_of_another_version_is_updated(whole: Whole) -> None:
    verbs = [c for c in whole.one_setting.run.calls if "scheduler jobs update" in c]
    assert len(verbs) == 1
    assert whole.one_setting.run.steps()["Schedule fyers-warm-on"] == "ok"


def test_the_options_of_the_first_run_are_remembered(broken: Broken) -> None:
    labels = broken.repeated.google.made["buckets/demo-fyers-alerts"]["labels"]
    assert labels == {
        "fyers_region": "asia-south1",
        "fyers_static_ip": "no",
        "fyers_keep_warm": "no",
    }
    assert "networks/fyers-alerts" not in broken.other_code.google.made


def test_another_region_is_asked_about(broken: Broken) -> None:
    run = broken.elsewhere.run
    assert run.status == 1
    assert "The functions are up in asia-south1" in run.err
    assert broken.elsewhere.changes == ()


def test_rights_of_an_earlier_version_are_taken_back(broken: Broken) -> None:
    google = broken.repeated.google
    assert "roles/run.builder" not in {role for role, _ in google.grants("demo")}
    policy = google.policies["demo-fyers-alerts"]["bindings"]
    free = [b for b in policy if "condition" not in b]
    writers = [b["members"] for b in free if b["role"] == "roles/storage.objectUser"]
    assert "refresh-symbols" not in str(writers)


def test_google_watches_and_writes_to_the_owner(broken: Broken) -> None:
    made = broken.repeated.google.made
    channel = made["notificationChannels/1"]
    assert channel["labels"] == {"email_address": "owner@example.com"}
    policies = [v for n, v in made.items() if n.startswith("alertPolicies/")]
    assert len(policies) == 3
    assert {p["notificationChannels"][0] for p in policies} == {channel["name"]}
    check = made["uptimeCheckConfigs/1"]
    assert check["monitoredResource"]["labels"]["host"].startswith("readyz-")


def test_the_uptime_check_takes_what_readyz_answers_before_the_login(
    broken: Broken,
) -> None:
    check = broken.repeated.google.made["uptimeCheckConfigs/1"]
    (matcher,) = check["contentMatchers"]
    assert matcher["matcher"] == "MATCHES_REGEX"
    lines = broken.status.run.out.splitlines()
    (answer,) = [line for line in lines if '"checks"' in line]
    assert '"token": {"status": "failing"}' in answer
    assert re.search(matcher["content"], answer)
    for name in ("settings", "store", "symbols", "reconcile", "guard"):
        worse = answer.replace(
            f'"{name}": {{"status": "ok"', f'"{name}": {{"status": "failing"'
        )
        assert not re.search(matcher["content"], worse), name
    codes = {
        one["statusValue"] for one in check["httpCheck"]["acceptedResponseStatusCodes"]
    }
    assert codes == {200, 503}


def test_the_uptime_check_of_an_earlier_version_is_changed(broken: Broken) -> None:
    now = broken.other_code.google.made["uptimeCheckConfigs/1"]
    then = broken.repeated.google.made["uptimeCheckConfigs/1"]
    assert now["contentMatchers"] == then["contentMatchers"]
    assert broken.other_code.run.steps()["Uptime check of readyz"] == "ok"


def test_a_budget_that_cannot_be_set_is_said_and_stops_nothing(broken: Broken) -> None:
    """The real gcloud lets nobody put a stand-in for this one API."""
    assert "The budgets of billing account 0A-1B cannot be" in broken.repeated.run.out


def test_what_watches_is_made_once(broken: Broken) -> None:
    made = broken.other_code.google.made
    kinds = ("notificationChannels", "uptimeCheckConfigs", "alertPolicies")
    counted = [sum(n.startswith(f"{kind}/") for n in made) for kind in kinds]
    assert counted == [1, 1, 3]


def test_a_rotated_token_is_new_and_the_old_one_lives_a_stated_time(
    broken: Broken,
) -> None:
    run, google = broken.rotated.run, broken.rotated.google
    assert run.status == 0, run.out + run.err
    old, new = google.secrets["WEBHOOK_SECRET_TOKEN"]
    assert old != new
    assert google.secrets["WEBHOOK_SECRET_TOKEN_OLD"] == [old]
    assert "Alerts with the old token are taken until 20" in run.out
    given = google.made["services/webhook"]["spec"]["template"]["spec"]["containers"]
    names = {one["name"]: one for one in given[0]["env"]}
    key = names["WEBHOOK_SECRET_TOKEN"]["valueFrom"]["secretKeyRef"]["key"]
    assert key == "2"
    until = datetime.fromisoformat(names["WEBHOOK_SECRET_TOKEN_OLD_UNTIL"]["value"])
    days = (until - datetime.now(IST)).total_seconds() / 86400
    assert 6.9 < days < 7
    assert "WEBHOOK_SECRET_TOKEN_OLD" in names


def test_a_rotation_restarts_what_uses_the_secret_and_builds_nothing(
    broken: Broken,
) -> None:
    users = [f for f in FUNCTIONS if "WEBHOOK_SECRET_TOKEN" in REQUIRED[f]]
    assert deployed(broken.rotated) == sorted(f.replace("_", "-") for f in users)


def test_no_run_prints_a_token(broken: Broken) -> None:
    tokens = broken.rotated.google.secrets["WEBHOOK_SECRET_TOKEN"]
    runs = [broken.rotated.run, broken.paused.run, broken.resumed.run]
    seen = "".join(run.out + run.err + "".join(run.calls) for run in runs)
    assert [token for token in tokens if token in seen] == []


def test_pause_is_an_alert_and_resume_takes_it_off(broken: Broken) -> None:
    assert broken.paused.run.status == 0, broken.paused.run.out + broken.paused.run.err
    assert {"action": "PAUSE"} in broken.paused.google.heard
    assert "paused since 25 Nov 09:30 IST (by the owner)" in broken.status.run.out
    assert broken.resumed.run.status == 0, broken.resumed.run.err
    document = broken.resumed.google.made["documents/control/entries"]
    assert "paused" not in document["fields"]


def test_rollback_gives_the_traffic_to_the_revision_before(broken: Broken) -> None:
    run, google = broken.rolled_back.run, broken.rolled_back.google
    assert run.status == 0, run.out + run.err
    made = [name for service, name in google.revisions if service == "auth-url"]
    (traffic,) = google.made["services/auth-url"]["spec"]["traffic"]
    assert traffic["revisionName"] == made[-2]
    assert traffic["percent"] == 100


def test_logs_are_those_of_the_function_in_words(broken: Broken) -> None:
    assert broken.logs.run.status == 0, broken.logs.run.err
    assert "SELL 65 placed" in broken.logs.run.out
    asked = [c for c in broken.logs.run.calls if "logging read" in c]
    assert 'service_name="webhook"' in asked[0]


def test_the_journal_is_read_from_the_cloud_with_gclouds_own_login(
    broken: Broken,
) -> None:
    run = broken.journal.run
    assert run.status == 0, run.err
    head, line = run.out.splitlines()[-2:]
    assert head.startswith("time,alert,state,reason")
    assert line.startswith("09:30:00,SELL NIFTY 25800 CE WEEKLY,")
    assert "refused for this test" in line
    assert broken.journal.changes == ()


def test_every_command_of_the_guide_was_carried_out(
    whole: Whole, broken: Broken
) -> None:
    """Against the stand-in, by the real gcloud; a rehearsal in test_asking."""
    stories = (getattr(one, f.name) for one in (whole, broken) for f in fields(one))
    done = {story.run.command for story in stories}
    shown = {Run(0, "", "", (), tuple(c.split()[1:])).command for c in COMMANDS}
    assert shown - done == {"rehearse"}
    assert {"--alert-email=owner@example.com"} <= set(broken.failed.run.arguments)


def test_every_call_was_one_the_stand_in_knows(whole: Whole, broken: Broken) -> None:
    assert whole.destroyed_again.google.unknown == []
    unknown = set(broken.elsewhere.google.unknown)
    assert unknown <= {"CONNECT billingbudgets.googleapis.com:443"}


def test_a_failed_run_says_which_step_why_and_how_to_go_on(broken: Broken) -> None:
    run = broken.failed.run
    assert run.status == 1
    assert "Failed at: Function refresh-token" in run.err
    assert "Permission 'run.services.create' denied" in run.err
    again = "--no-static-ip --alert-email=owner@example.com --project=demo again"
    assert f"run ./deploy.sh deploy {again}" in run.err
    assert "docs/deploy.md, step 6" in run.err


def test_a_right_the_owner_lacks_is_not_waited_for(broken: Broken) -> None:
    assert "lacks a right" in broken.failed.run.err
    assert "waiting for Google" not in broken.failed.run.out


def test_one_failed_function_does_not_keep_the_others_down(broken: Broken) -> None:
    assert "services/reconcile" in broken.failed.google.made
    assert "services/refresh-token" not in broken.failed.google.made


def test_a_repeated_run_skips_what_was_done_and_finishes(broken: Broken) -> None:
    failed, repeated = broken.failed.run.steps(), broken.repeated.run.steps()
    assert broken.repeated.run.status == 0, broken.repeated.run.err
    done = {step for step, end in failed.items() if end == "ok"}
    looks = {"Secrets known to Secret Manager", "Services already up"}
    looks |= {"Options chosen before"}
    looks |= {"Rights in the project", "Rights on the bucket"}  # others came between
    assert {s for s in done - looks if repeated.get(s, "skipped") != "skipped"} == set()
    assert repeated["Function refresh-token"] == "ok"


def test_without_a_static_address_there_is_no_network_and_no_kept_instance(
    broken: Broken,
) -> None:
    made = broken.repeated.google.made
    kinds = {name.partition("/")[0] for name in made}
    assert not kinds & {"networks", "subnetworks", "addresses", "routers"}
    assert not {"jobs/fyers-warm-on", "jobs/fyers-warm-off"} & set(made)
    assert broken.repeated.run.steps()["No kept instance of the webhook"] == "ok"


def test_status_tells_services_schedules_and_readyz_and_changes_nothing(
    broken: Broken,
) -> None:
    status = broken.status
    assert status.run.status == 0, status.run.err
    assert status.changes == ()
    for word in (
        "generate-token",
        "* * * * *",
        "Entries",
        '"symbols": {"status": "ok"}',
    ):
        assert word in status.run.out


def test_destroy_says_what_is_still_held_and_goes_on(whole: Whole) -> None:
    assert whole.destroyed.run.status == 1
    assert "Left over: The subnet" in whole.destroyed.run.err
    assert "topics/fyers-alerts" not in whole.destroyed.google.made


def test_destroy_with_data_empties_only_our_collections(whole: Whole) -> None:
    deleted = whole.destroyed.google.made["deleted/"]
    ours = ["alerts", "control", "guard", "lanes", "once", "sessions"]
    assert sorted(deleted["collectionIds"]) == ours
    assert "databases/(default)" in whole.destroyed.google.made


def test_a_second_destroy_takes_the_rest(whole: Whole) -> None:
    assert whole.destroyed_again.run.status == 0, whole.destroyed_again.run.err
    google = whole.destroyed_again.google
    left = {name.partition("/")[0] for name in google.made}
    # The database may hold others' data; builds and their upload bucket are gcloud's; a
    # custom role without a holder allows nothing, and its name would stay taken.
    known = {"databases", "fields", "deleted", "repositories", "uploads", "buckets"}
    known |= {"roles"}
    assert left <= known
    assert "buckets/demo-fyers-alerts" not in google.made
    assert google.secrets == {}
    assert google.grants("demo") == set()
