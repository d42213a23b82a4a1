"""What the stand-in answers about monitoring, logs and billing."""

from __future__ import annotations

from tests.deploy.google_apis import (
    PROJECT,
    GoogleApis,
    Json,
    Request,
    answers,
)

MONITORING = (
    r"monitoring\.googleapis\.com/v3/projects/{project}"
    r"/(notificationChannels|uptimeCheckConfigs|alertPolicies)"
)


@answers("GET", MONITORING)
def watchers(google: GoogleApis, request: Request) -> Json:
    (kind,) = request.parts
    return {kind: google.listed(f"{kind}/")}


@answers("POST", MONITORING)
def make_watcher(google: GoogleApis, request: Request) -> Json:
    (kind,) = request.parts
    number = len(google.listed(f"{kind}/")) + 1
    name = f"projects/{PROJECT}/{kind}/{number}"
    return google.create(f"{kind}/{number}", {**request.json, "name": name})


@answers("GET PATCH DELETE", rf"{MONITORING}/([^/]+)")
def one_watcher(google: GoogleApis, request: Request) -> Json:
    key = "/".join(request.parts)
    found = google.get(key)
    if request.method == "DELETE":
        del google.made[key]
    found.update(request.json)
    return found


@answers("POST", r"logging\.googleapis\.com/v2/entries:list")
def logs(google: GoogleApis, request: Request) -> Json:
    line = {
        "timestamp": "2026-11-25T04:00:00Z",
        "severity": "INFO",
        "jsonPayload": {"message": "SELL 65 placed"},
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "webhook"},
        },
        "insertId": request.json["filter"],
        "logName": f"projects/{PROJECT}/logs/run",
    }
    return {"entries": [line]}


@answers("GET", r"cloudbilling\.googleapis\.com/v1/projects/{project}/billingInfo")
def billing(google: GoogleApis, request: Request) -> Json:
    return {"billingAccountName": "billingAccounts/0A-1B", "billingEnabled": True}


@answers("GET", r"cloudbilling\.googleapis\.com/v1/billingAccounts/([^/]+)")
def billing_account(google: GoogleApis, request: Request) -> Json:
    return {"name": "billingAccounts/0A-1B", "open": True, "currencyCode": "INR"}
