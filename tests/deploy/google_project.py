"""What the stand-in answers about the project, its accounts, rights and network."""

from __future__ import annotations

from tests.deploy.google_apis import (
    AWKWARD,
    NUMBER,
    PROJECT,
    REGION,
    GoogleApis,
    Json,
    RefusedError,
    Request,
    answers,
    done,
)

DOMAIN = f"{PROJECT}.iam.gserviceaccount.com"

# ---- project, APIs, accounts, rights


@answers("GET", r"cloudresourcemanager\.googleapis\.com/v1/projects/([^/:]+)")
def project(google: GoogleApis, request: Request) -> Json:
    if request.parts[0] not in (PROJECT, AWKWARD, NUMBER):
        raise RefusedError(
            403, "PERMISSION_DENIED", "The caller does not have permission"
        )
    return {"projectId": PROJECT, "projectNumber": NUMBER, "lifecycleState": "ACTIVE"}


@answers("GET", r"serviceusage\.googleapis\.com/v1/projects/{project}/services")
def apis(google: GoogleApis, request: Request) -> Json:
    return {
        "services": [
            {
                "name": f"projects/{NUMBER}/services/{api}",
                "config": {"name": api},
                "state": "ENABLED",
            }
            for api in sorted(google.enabled)
        ]
    }


@answers("GET", r"serviceusage\.googleapis\.com/v1/projects/{project}/services/([^/]+)")
def api_state(google: GoogleApis, request: Request) -> Json:
    state = "ENABLED" if request.parts[0] in google.enabled else "DISABLED"
    return {"name": request.path, "state": state}


@answers(
    "POST",
    r"serviceusage\.googleapis\.com/v1/projects/{project}/services:batchEnable",
)
def enable_apis(google: GoogleApis, request: Request) -> Json:
    google.enabled.update(request.json["serviceIds"])
    kind = "google.api.serviceusage.v1.BatchEnableServicesResponse"
    return {**done({}, kind), "name": "operations/noop.DONE_OPERATION"}


@answers("GET", r"iam\.googleapis\.com/v1/projects/{project}/serviceAccounts")
def accounts(google: GoogleApis, request: Request) -> Json:
    return {"accounts": google.listed("accounts/")}


@answers("POST", r"iam\.googleapis\.com/v1/projects/{project}/serviceAccounts")
def make_account(google: GoogleApis, request: Request) -> Json:
    email = f"{request.json['accountId']}@{DOMAIN}"
    name = f"projects/{PROJECT}/serviceAccounts/{email}"
    return google.create(f"accounts/{email}", {"name": name, "email": email})


@answers(
    "GET DELETE", r"iam\.googleapis\.com/v1/projects/[^/]+/serviceAccounts/([^/:]+)"
)
def one_account(google: GoogleApis, request: Request) -> Json:
    found = google.get(f"accounts/{request.parts[0]}")
    if request.method == "DELETE":
        del google.made[f"accounts/{request.parts[0]}"]
    return found


@answers("POST", r"iam\.googleapis\.com/v1/permissions:queryTestablePermissions")
def testable_permissions(google: GoogleApis, request: Request) -> Json:
    known = ("run.services.get", "run.services.update")
    return {"permissions": [{"name": name, "stage": "GA"} for name in known]}


@answers("GET", r"iam\.googleapis\.com/v1/projects/{project}/roles/([^/:]+)")
def one_role(google: GoogleApis, request: Request) -> Json:
    return google.get(f"roles/{request.parts[0]}")


@answers("POST", r"iam\.googleapis\.com/v1/projects/{project}/roles")
def make_role(google: GoogleApis, request: Request) -> Json:
    name = request.json["roleId"]
    return google.create(f"roles/{name}", {**request.json["role"], "name": name})


@answers("GET POST PUT", r"(.*)(?::getIamPolicy|:setIamPolicy|(?<=/b/)([^/]+)/iam)")
def rights(google: GoogleApis, request: Request) -> Json:
    resource = request.parts[1] or request.parts[0].rpartition("/")[2]
    if request.path.endswith(":setIamPolicy") or request.method == "PUT":
        policy = request.json if request.method == "PUT" else request.json["policy"]
        _refuse_unknown_members(google, policy)
        google.policies[resource] = policy
    return google.policies.get(resource, {"etag": "ACAB", "version": 1})


def _refuse_unknown_members(google: GoogleApis, policy: Json) -> None:
    for binding in policy.get("bindings", []):
        for member in binding["members"]:
            kind, _, email = member.partition(":")
            if kind == "serviceAccount" and f"accounts/{email}" not in google.made:
                raise RefusedError(
                    400, "INVALID_ARGUMENT", f"Service account {email} does not exist."
                )


# ---- network

COMPUTE = (
    r"compute\.googleapis\.com/compute/v1/projects/{project}"
    rf"/(global|regions/{REGION})"
)
COMPUTE_KIND = r"(networks|subnetworks|addresses|routers)"


def _network_change(kind: str, scope: str, target: str) -> Json:
    base = f"http://compute.googleapis.com/compute/v1/projects/{PROJECT}/{scope}"
    operation = {
        "name": kind,
        "id": "1",
        "status": "DONE",
        "progress": 100,
        "operationType": kind,
        "selfLink": f"{base}/operations/{kind}",
        "targetLink": f"{base}/{target}",
    }
    return operation if scope == "global" else {**operation, "region": base}


@answers("POST", rf"{COMPUTE}/{COMPUTE_KIND}")
def make_network_part(google: GoogleApis, request: Request) -> Json:
    scope, kind = request.parts
    name = request.json["name"]
    base = f"http://compute.googleapis.com/compute/v1/projects/{PROJECT}/{scope}"
    known = {"selfLink": f"{base}/{kind}/{name}", "id": "1", "region": base}
    if kind == "addresses":
        known |= {"address": "34.1.2.3", "status": "RESERVED"}
    google.create(f"{kind}/{name}", {**request.json, **known})
    return _network_change("insert", scope, f"{kind}/{name}")


@answers("POST", rf"{COMPUTE}/(subnetworks)/([^/]+)/expandIpCidrRange")
def widen_subnet(google: GoogleApis, request: Request) -> Json:
    scope, kind, name = request.parts
    google.get(f"{kind}/{name}").update(request.json)
    return _network_change("expand", scope, f"{kind}/{name}")


@answers("GET PATCH DELETE", rf"{COMPUTE}/{COMPUTE_KIND}/([^/]+)")
def one_network_part(google: GoogleApis, request: Request) -> Json:
    scope, kind, name = request.parts
    found = google.get(f"{kind}/{name}")
    if request.method == "GET":
        return found
    if request.method == "PATCH":
        found.update(request.json)
    else:
        del google.made[f"{kind}/{name}"]
    return _network_change(request.method.lower(), scope, f"{kind}/{name}")


@answers("GET POST", rf"{COMPUTE}/operations/([a-z]+)(?:/wait)?")
def network_operation(google: GoogleApis, request: Request) -> Json:
    scope, kind = request.parts
    return _network_change(kind, scope, "")
