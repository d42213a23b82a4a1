"""Runs of deploy.sh after a first one: failed half way, repeated, destroyed."""

from __future__ import annotations

import pytest

from tests.deploy.scenarios import Broken, Whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_second_run_changes_nothing(whole: Whole) -> None:
    assert whole.second.run.status == 0, whole.second.run.out + whole.second.run.err
    assert whole.second.changes == ()


def test_a_second_run_calls_nothing_that_could_change_anything(whole: Whole) -> None:
    reading = {"describe", "list", "get-iam-policy"}
    assert all(reading & set(call.split()) for call in whole.second.run.calls)


def test_after_an_edit_only_the_edited_function_is_deployed(whole: Whole) -> None:
    deployed = [c for c in whole.after_edit.run.calls if "run deploy" in c]
    assert [call.split()[3] for call in deployed] == ["auth-url"]


def test_a_schedule_of_another_version_is_updated(whole: Whole) -> None:
    verbs = [c for c in whole.after_edit.run.calls if "scheduler jobs update" in c]
    assert len(verbs) == 1
    assert whole.after_edit.run.steps()["Schedule fyers-warm-on"] == "ok"


def test_every_call_was_one_the_stand_in_knows(whole: Whole, broken: Broken) -> None:
    assert whole.destroyed_again.google.unknown == []
    assert broken.status.google.unknown == []


def test_a_failed_run_says_which_step_why_and_how_to_go_on(broken: Broken) -> None:
    run = broken.failed.run
    assert run.status == 1
    assert "Failed at: Function refresh-token" in run.err
    assert "Permission 'run.services.create' denied" in run.err
    assert "run ./deploy.sh deploy --no-static-ip --project=demo again" in run.err


def test_a_failed_run_stops_there(broken: Broken) -> None:
    assert "services/reconcile" not in broken.failed.google.made


def test_a_repeated_run_skips_what_was_done_and_finishes(broken: Broken) -> None:
    failed, repeated = broken.failed.run.steps(), broken.repeated.run.steps()
    assert broken.repeated.run.status == 0, broken.repeated.run.err
    done = {step for step, end in failed.items() if end == "ok"}
    looks = {"Secrets known to Secret Manager", "Services already up"}
    assert {step for step in done - looks if repeated[step] != "skipped"} == set()
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
    for word in ("generate-token", "* 9-15 * * 1-5", '"symbols": {"status": "ok"}'):
        assert word in status.run.out


def test_destroy_says_what_is_still_held_and_goes_on(whole: Whole) -> None:
    assert whole.destroyed.run.status == 1
    assert "Left over: The subnet" in whole.destroyed.run.err
    assert "topics/fyers-alerts" not in whole.destroyed.google.made


def test_destroy_with_data_empties_only_our_collections(whole: Whole) -> None:
    deleted = whole.destroyed.google.made["deleted/"]
    assert sorted(deleted["collectionIds"]) == ["alerts", "once"]
    assert "databases/(default)" in whole.destroyed.google.made


def test_a_second_destroy_takes_the_rest(whole: Whole) -> None:
    assert whole.destroyed_again.run.status == 0, whole.destroyed_again.run.err
    google = whole.destroyed_again.google
    left = {name.partition("/")[0] for name in google.made}
    # The database may hold others' data; builds and their upload bucket are gcloud's.
    known = {"databases", "fields", "deleted", "repositories", "uploads", "buckets"}
    assert left <= known
    assert "buckets/demo-fyers-alerts" not in google.made
    assert google.secrets == {}
    assert google.grants("demo") == set()
