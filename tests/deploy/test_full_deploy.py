"""The whole deploy, run by the real gcloud against the stand-in of Google's APIs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared import config
from tests.deploy.google_apis import NUMBER, GoogleApis
from tests.deploy.project import FUNCTIONS, SECRETS
from tests.deploy.scenarios import Story, Whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SERVICES = {name.replace("_", "-") for name in FUNCTIONS}
PUBLIC = SERVICES - {"refresh-token", "refresh-symbols", "reconcile"}


def email(name: str) -> str:
    return f"fyers-{name}@demo.iam.gserviceaccount.com"


def service(google: GoogleApis, name: str) -> Any:
    return google.made[f"services/{name}"]


def container(google: GoogleApis, name: str) -> Any:
    return service(google, name)["spec"]["template"]["spec"]["containers"][0]


def environment(google: GoogleApis, name: str) -> dict[str, str]:
    given = container(google, name)["env"]
    return {one["name"]: one["value"] for one in given if "value" in one}


def secrets_of(google: GoogleApis, name: str) -> dict[str, str]:
    return {
        one["name"]: one["valueFrom"]["secretKeyRef"]["key"]
        for one in container(google, name).get("env", [])
        if "valueFrom" in one
    }


def test_address_prints_what_the_fyers_app_asks_for(whole: Whole) -> None:
    run = whole.address.run
    assert run.status == 0, run.err
    assert "IP address     34.1.2.3" in run.out
    assert f"Redirect URI   https://generate-token-{NUMBER}.asia-south1" in run.out


def test_address_makes_the_network_and_nothing_else(whole: Whole) -> None:
    kinds = {name.partition("/")[0] for name in whole.address.google.made}
    assert kinds == {"networks", "subnetworks", "addresses", "routers"}


def test_address_says_that_it_can_be_changed_once_in_seven_days(whole: Whole) -> None:
    assert "once in 7 days only" in whole.address.run.out


def test_the_subnet_has_room_for_a_second_set_of_instances(whole: Whole) -> None:
    subnet = whole.address.google.made["subnetworks/fyers-alerts"]
    assert subnet["ipCidrRange"] == "10.8.0.0/24"


def test_a_first_run_succeeds(whole: Whole) -> None:
    assert whole.first.run.status == 0, whole.first.run.out + whole.first.run.err


def test_every_function_is_up_beside_the_service_of_the_image(whole: Whole) -> None:
    made = whole.first.google.made
    up = {n.partition("/")[2] for n in made if n.startswith("services/")}
    assert up == SERVICES | {"fyers-image"}


def test_all_functions_run_the_one_image_that_was_built(whole: Whole) -> None:
    images = {container(whole.first.google, name)["image"] for name in SERVICES}
    assert len(images) == 1
    assert whole.first.google.builds == ["asia-south1"]
    built = [call for call in whole.first.run.calls if "--source=" in call]
    assert {call.split()[3] for call in built} == {"fyers-image"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_service_runs_its_own_function_of_the_image(
    whole: Whole, function: str
) -> None:
    given = environment(whole.first.google, function.replace("_", "-"))
    assert given["FUNCTION_TARGET"] == function


def test_nobody_may_call_the_service_of_the_image(whole: Whole) -> None:
    google = whole.first.google
    notes = service(google, "fyers-image")["metadata"]["annotations"]
    assert notes["run.googleapis.com/ingress"] == "internal"
    assert google.grants("fyers-image") == set()


def test_a_first_deploy_asks_google_this_often(whole: Whole) -> None:
    """Each call takes a second or more of the owner's time."""
    assert len(whole.first.run.calls) <= 115


def test_what_google_was_just_told_is_waited_for_and_said(whole: Whole) -> None:
    out = whole.first.run.out
    for thing in ("an API switched on", "an account made", "a right given"):
        assert f"  waiting for Google: {thing} a moment ago" in out


def test_every_step_that_did_something_says_how_long_it_took(whole: Whole) -> None:
    ends = re.findall(r"(?m)^\S.*? (ok|FAILED)( \(\d+ s\))?$", whole.first.run.out)
    looks = [end for end in ends if not end[1]]
    assert len(looks) <= 4  # those that only look
    assert re.search(r"(?m)^Done in \d+ s\.$", whole.first.run.out)


def test_the_webhook_is_one_instance_that_answers_64_at_once(whole: Whole) -> None:
    template = service(whole.first.google, "webhook")["spec"]["template"]
    notes = template["metadata"]["annotations"]
    assert notes["autoscaling.knative.dev/maxScale"] == "1"
    assert template["spec"]["containerConcurrency"] == 64
    assert template["spec"]["timeoutSeconds"] == 15


def test_each_public_function_was_asked_before_the_run_ended_well(whole: Whole) -> None:
    assert set(whole.first.google.asked) >= PUBLIC


def test_a_test_notice_was_sent_to_the_address_given(whole: Whole) -> None:
    assert {"notice": "test_notice"} in whole.first.google.heard
    assert "A test notice was sent" in whole.first.run.err


def test_keep_warm_was_run_once_and_read_back(whole: Whole) -> None:
    """On a Saturday the instance goes again."""
    ran = [job for job in whole.first.google.jobs_run if "warm" in job]
    assert ran == ["fyers-warm-on", "fyers-warm-off"]
    notes = service(whole.first.google, "webhook")["metadata"]["annotations"]
    assert "run.googleapis.com/minScale" not in notes
    assert whole.first.run.steps()["Keep-warm works"] == "ok"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_only_what_a_browser_or_tradingview_opens_is_public(
    whole: Whole, name: str
) -> None:
    annotations = service(whole.first.google, name)["metadata"]["annotations"]
    open_to_all = annotations.get("run.googleapis.com/invoker-iam-disabled")
    assert open_to_all == str(name in PUBLIC)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_only_what_sends_orders_uses_the_registered_address(
    whole: Whole, name: str
) -> None:
    template = service(whole.first.google, name)["spec"]["template"]
    annotations = template["metadata"].get("annotations", {})
    egress = annotations.get("run.googleapis.com/vpc-access-egress")
    assert egress == ("all-traffic" if name in {"webhook", "reconcile"} else None)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_every_setting_it_requires_and_no_secret_in_the_clear(
    whole: Whole, function: str
) -> None:
    name = function.replace("_", "-")
    given = environment(whole.first.google, name)
    pinned = secrets_of(whole.first.google, name)
    fake = given | dict.fromkeys(pinned, "https://long-enough.invalid")
    settings = config.Settings.from_env(fake, function)
    assert settings.state_backend == "gcp"
    assert not set(given) & set(config.SECRETS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_its_own_secrets_only_and_pinned(
    whole: Whole, function: str
) -> None:
    pinned = secrets_of(whole.first.google, function.replace("_", "-"))
    wanted = {name for kind, name in config.needs(function) if kind == "secret"}
    given = {"NOTIFICATION_URL"}  # the only optional one of this owner
    wanted |= {n for n in given if function in config.OPTIONAL[n]}
    assert pinned == dict.fromkeys(wanted, "1")


def test_a_functions_account_may_read_exactly_its_secrets(whole: Whole) -> None:
    google = whole.first.google
    for secret in google.secrets:
        readers = {m.partition(":")[2] for _, m in google.grants(secret)}
        users = {n for n in SERVICES if secret in secrets_of(google, n)}
        assert readers == {email(name) for name in users}


def test_the_rights_in_the_project_are_these(whole: Whole) -> None:
    role = "roles/datastore.user"
    users = ("webhook", "generate-token", "refresh-token", "reconcile", "desk")
    assert whole.first.google.grants("demo") == {
        *((role, f"serviceAccount:{email(name)}") for name in users),
        ("roles/datastore.viewer", f"serviceAccount:{email('readyz')}"),
        ("roles/logging.logWriter", f"serviceAccount:{email('builder')}"),
    }


def test_the_builder_reads_its_uploads_and_writes_images_and_no_more(
    whole: Whole,
) -> None:
    google = whole.first.google
    builder = f"serviceAccount:{email('builder')}"
    held = {
        (resource, role)
        for resource in google.policies
        for role, member in google.grants(resource)
        if member == builder
    }
    assert held == {
        ("demo", "roles/logging.logWriter"),
        ("run-sources-demo-asia-south1", "roles/storage.objectViewer"),
        ("cloud-run-source-deploy", "roles/artifactregistry.writer"),
    }


def test_what_makes_the_symbols_can_neither_write_nor_read_the_token(
    whole: Whole,
) -> None:
    policy = whole.first.google.policies["demo-fyers-alerts"]
    member = f"serviceAccount:{email('refresh-symbols')}"
    held = {
        b["role"]: b.get("condition", {}).get("expression")
        for b in policy["bindings"]
        if member in b["members"]
    }
    only = 'resource.name.startsWith("projects/_/buckets/demo-fyers-alerts/objects/'
    assert held == {
        "roles/storage.legacyBucketReader": None,  # the names, not what is in them
        "roles/storage.objectUser": f'{only}symbols/")',
    }


def test_only_the_scheduler_may_call_what_is_private(whole: Whole) -> None:
    caller = ("roles/run.invoker", f"serviceAccount:{email('scheduler')}")
    for name in SERVICES - PUBLIC:
        assert whole.first.google.grants(name) == {caller}


def test_keep_warm_may_scale_the_webhook_and_nothing_else(whole: Whole) -> None:
    google = whole.first.google
    member = f"serviceAccount:{email('keep-warm')}"
    held = {
        (resource, role)
        for resource in google.policies
        for role, whom in google.grants(resource)
        if whom == member
    }
    assert held == {
        ("webhook", "projects/demo/roles/fyersKeepWarm"),
        (email("webhook"), "roles/iam.serviceAccountUser"),
    }
    role = google.made["roles/fyersKeepWarm"]
    assert role["includedPermissions"] == ["run.services.get", "run.services.update"]


def test_the_bucket_is_closed_and_forgets_old_versions(whole: Whole) -> None:
    bucket = whole.first.google.made["buckets/demo-fyers-alerts"]
    closed = bucket["iamConfiguration"]
    assert closed["publicAccessPrevention"] == "enforced"
    assert closed["uniformBucketLevelAccess"]["enabled"] is True
    assert bucket["versioning"] == {"enabled": True}
    (rule,) = bucket["lifecycle"]["rule"]
    assert rule["condition"] == {"isLive": False, "daysSinceNoncurrentTime": 3}


def test_expired_documents_go_by_themselves(whole: Whole) -> None:
    fields = [name for name in whole.first.google.made if name.startswith("fields/")]
    assert {name.split("/")[-3]: name.split("/")[-1] for name in fields} == {
        "alerts": "purge_at",
        "once": "expires_at",
        "lanes": "expires_at",
        "sessions": "expires_at",
    }


def test_the_schedule_is_this(whole: Whole) -> None:
    jobs = whole.first.google.listed("jobs/")
    assert {job["timeZone"] for job in jobs} == {"Asia/Kolkata"}
    assert {job["name"].rpartition("/")[2]: job["schedule"] for job in jobs} == {
        "fyers-symbols": "0 8 * * 1-5",
        "fyers-token": "30 8 * * 1-5",
        "fyers-warm": "*/5 9-15 * * 1-5",
        "fyers-reconcile": "* * * * *",
        "fyers-warm-on": "55 8 * * 1-5",
        "fyers-warm-off": "50 15 * * 1-5",
    }


def test_private_functions_are_called_with_a_token_for_them(whole: Whole) -> None:
    for job, name in (
        ("symbols", "refresh-symbols"),
        ("token", "refresh-token"),
        ("reconcile", "reconcile"),
    ):
        target = whole.first.google.made[f"jobs/fyers-{job}"]["httpTarget"]
        url = f"https://{name}-{NUMBER}.asia-south1.run.app"
        assert target["uri"].rstrip("/") == url
        assert target["oidcToken"] == {
            "serviceAccountEmail": email("scheduler"),
            "audience": url,
        }


def test_keep_warm_asks_for_a_change_of_the_minimum_only(whole: Whole) -> None:
    target = whole.first.google.made["jobs/fyers-warm-on"]["httpTarget"]
    assert target["uri"].endswith(
        "/services/webhook?updateMask=scaling.minInstanceCount"
    )
    assert target["headers"]["X-HTTP-Method-Override"] == "PATCH"


def test_the_fyers_app_is_sent_back_to_generate_token(whole: Whole) -> None:
    url = f"https://generate-token-{NUMBER}.asia-south1.run.app"
    assert environment(whole.first.google, "auth-url")["FYERS_REDIRECT_URI"] == url
    assert url in whole.first.run.out


def test_threads_equal_the_concurrency(whole: Whole) -> None:
    for name in SERVICES:
        spec = service(whole.first.google, name)["spec"]["template"]["spec"]
        threads = environment(whole.first.google, name)["THREADS"]
        assert int(threads) == spec["containerConcurrency"]


def test_the_end_names_the_address_the_next_step_and_the_alert(whole: Whole) -> None:
    out = whole.first.run.out
    assert "IP to register at FYERS   34.1.2.3" in out
    assert f"Next: open https://auth-url-{NUMBER}.asia-south1.run.app" in out
    assert '"time": "{{timenow}}"' in out


def test_the_symbols_are_fetched_once_at_the_end(whole: Whole) -> None:
    for story in (whole.first, whole.second):
        assert story.google.jobs_run.count("fyers-symbols") == 1


def _everything_seen(story: Story) -> str:
    asked = [r.path + json.dumps(r.query) for r in story.google.requests]
    bodies = [
        r.raw.decode(errors="replace")
        for r in story.google.requests
        if not r.path.endswith(":addVersion")
    ]
    run = story.run
    return "\n".join([run.out, run.err, *run.calls, *asked, *bodies])


def test_secrets_go_to_secret_manager_and_nowhere_else(whole: Whole) -> None:
    given = whole.first.google.secrets
    kept = {name: values[-1] for name, values in given.items() if values}
    made = kept.pop("WEBHOOK_SECRET_TOKEN")
    assert kept == SECRETS
    assert len(made) == 48
    seen = _everything_seen(whole.first)
    assert [value for value in (*SECRETS.values(), made) if value in seen] == []
