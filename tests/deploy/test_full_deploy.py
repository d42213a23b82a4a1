"""The whole deploy, run by the real gcloud against the stand-in of Google's APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared import config
from tests.deploy.google_apis import NUMBER, GoogleApis
from tests.deploy.project import FUNCTIONS, SECRETS
from tests.deploy.scenarios import Story, Whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PUBLIC = {"webhook", "auth-url", "generate-token", "readyz"}
SERVICES = {name.replace("_", "-") for name in FUNCTIONS}


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


def test_a_first_run_succeeds(whole: Whole) -> None:
    assert whole.first.run.status == 0, whole.first.run.out + whole.first.run.err


def test_all_seven_services_are_up(whole: Whole) -> None:
    made = whole.first.google.made
    assert {n.partition("/")[2] for n in made if n.startswith("services/")} == SERVICES


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
    fake = given | dict.fromkeys(pinned, "https://x.invalid")
    settings = config.Settings.from_env(fake, function)
    assert settings.state_backend == "gcp"
    assert not set(given) & set(config.SECRETS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_its_own_secrets_only_and_pinned(
    whole: Whole, function: str
) -> None:
    pinned = secrets_of(whole.first.google, function.replace("_", "-"))
    wanted = {name for name in config.REQUIRED[function] if name in config.SECRETS}
    if function in config.NOTIFIES:
        wanted.add("NOTIFICATION_URL")
    assert pinned == dict.fromkeys(wanted, "1")


def test_a_functions_account_may_read_exactly_its_secrets(whole: Whole) -> None:
    google = whole.first.google
    for secret in google.secrets:
        readers = {m.partition(":")[2] for _, m in google.grants(secret)}
        users = {n for n in SERVICES if secret in secrets_of(google, n)}
        assert readers == {email(name) for name in users}


def test_the_rights_in_the_project_are_these(whole: Whole) -> None:
    role = "roles/datastore.user"
    users = ("webhook", "generate-token", "refresh-token", "reconcile")
    assert whole.first.google.grants("demo") == {
        *((role, f"serviceAccount:{email(name)}") for name in users),
        ("roles/datastore.viewer", f"serviceAccount:{email('readyz')}"),
        ("roles/run.builder", f"serviceAccount:{email('builder')}"),
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
        ("webhook", "roles/run.developer"),
        (email("webhook"), "roles/iam.serviceAccountUser"),
    }


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
    assert [name.split("/")[-3] for name in fields] == ["alerts", "once"]


def test_the_schedule_is_this(whole: Whole) -> None:
    jobs = whole.first.google.listed("jobs/")
    assert {job["timeZone"] for job in jobs} == {"Asia/Kolkata"}
    assert {job["name"].rpartition("/")[2]: job["schedule"] for job in jobs} == {
        "fyers-symbols": "0 8 * * 1-5",
        "fyers-token": "30 8 * * 1-5",
        "fyers-warm": "*/5 9-15 * * 1-5",
        "fyers-reconcile": "* 9-15 * * 1-5",
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
    assert whole.first.google.jobs_run == ["fyers-symbols"]
    assert whole.second.google.jobs_run == ["fyers-symbols"]


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
    kept = {name: values[-1] for name, values in whole.first.google.secrets.items()}
    made = kept.pop("WEBHOOK_SECRET_TOKEN")
    assert kept == SECRETS
    assert len(made) == 48
    seen = _everything_seen(whole.first)
    assert [value for value in (*SECRETS.values(), made) if value in seen] == []
