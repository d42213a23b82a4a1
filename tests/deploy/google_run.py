"""What the stand-in answers about builds, services and schedules."""

from __future__ import annotations

import base64
import json

from shared.models import BY_HAND
from shared.readiness import CheckState, Report
from tests.deploy.google_apis import (
    ELSEWHERE,
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

MADE = "2026-11-23T03:30:00.000000Z"
PARENT = f"projects/{PROJECT}/locations/{REGION}"

# ---- builds and their images

ARTIFACTS = (
    rf"artifactregistry\.googleapis\.com/v1/projects/{{project}}/locations/{REGION}"
)


@answers("POST", rf"{ARTIFACTS}/repositories")
def make_repository(google: GoogleApis, request: Request) -> Json:
    name = request.query["repositoryId"]
    value = {"name": f"{PARENT}/repositories/{name}", "format": "DOCKER"}
    google.create(f"repositories/{name}", value)
    return {
        **done(value, "google.devtools.artifactregistry.v1.Repository"),
        "name": f"{PARENT}/operations/{name}",
    }


@answers("GET", rf"{ARTIFACTS}/operations/([^/]+)")
def repository_made(google: GoogleApis, request: Request) -> Json:
    value = google.made.get(f"repositories/{request.parts[0]}", {})
    return {
        **done(value, "google.devtools.artifactregistry.v1.Repository"),
        "name": f"{PARENT}/operations/{request.parts[0]}",
    }


@answers("GET PATCH", rf"{ARTIFACTS}/repositories/([^/]+)")
def one_repository(google: GoogleApis, request: Request) -> Json:
    found = google.get(f"repositories/{request.parts[0]}")
    found.update(request.json)
    return found


@answers("GET", rf"{ARTIFACTS}/repositories/([^/]+)/packages")
def packages(google: GoogleApis, request: Request) -> Json:
    google.get(f"repositories/{request.parts[0]}")
    return {"packages": google.listed("packages/")}


@answers("DELETE", rf"{ARTIFACTS}/repositories/[^/]+/packages/([^/]+)")
def delete_package(google: GoogleApis, request: Request) -> Json:
    google.get(f"packages/{request.parts[0]}")
    del google.made[f"packages/{request.parts[0]}"]
    return {**done({}, "google.protobuf.Empty"), "name": f"{PARENT}/operations/x"}


BUILD = {
    "id": "b1",
    "name": f"projects/{NUMBER}/locations/{REGION}/builds/b1",
    "projectId": PROJECT,
    "status": "SUCCESS",
    "logUrl": "https://console.cloud.google.com/cloud-build/builds/b1",
}
BUILD_TYPE = "type.googleapis.com/google.devtools.cloudbuild.v1"


ANY_REGION = f"({REGION}|{ELSEWHERE})"
BUILDS = rf"projects/{PROJECT}/locations/{ANY_REGION}/builds:submit"


def _built(google: GoogleApis) -> Json:
    """Return the last build: no two make the same image."""
    digest = f"sha256:{len(google.builds):064x}"
    return {**BUILD, "results": {"images": [{"name": "image", "digest": digest}]}}


@answers("POST", rf"(?:{ANY_REGION}-)?run\.googleapis\.com/v2/{BUILDS}")
def submit_build(google: GoogleApis, request: Request) -> Json:
    google.builds.append(request.parts[1])
    account = request.json["serviceAccount"].rpartition("/")[2]
    google.get(f"accounts/{account}")
    running = {"@type": f"{BUILD_TYPE}.BuildOperationMetadata", "build": BUILD}
    return {
        "buildOperation": {"name": f"{PARENT}/operations/op1", "metadata": running},
        "baseImageUri": f"{REGION}-docker.pkg.dev/serverless-runtimes/python312",
    }


@answers(
    "GET", rf"cloudbuild\.googleapis\.com/v1/projects/[^/]+/locations/{ANY_REGION}/.*"
)
def build(google: GoogleApis, request: Request) -> Json:
    if "/operations/" not in request.path:
        return _built(google)
    return {
        "name": f"{PARENT}/operations/op1",
        "done": True,
        "metadata": {
            "@type": f"{BUILD_TYPE}.BuildOperationMetadata",
            "build": _built(google),
        },
        "response": {"@type": f"{BUILD_TYPE}.Build", **_built(google)},
    }


# ---- services

SERVICES = (
    rf"{ANY_REGION}-run\.googleapis\.com/apis/serving\.knative\.dev/v1/namespaces/"
    r"{project}/services"
)


def _key(region: str, name: str) -> str:
    return f"services/{name}" if region == REGION else f"elsewhere/{name}"


def _ready(google: GoogleApis, service: Json, region: str) -> Json:
    meta = service["metadata"]
    name = meta["name"]
    before = google.made.get(_key(region, name), {})
    generation = before.get("metadata", {}).get("generation", 0) + 1
    template = service["spec"]["template"]
    made = template.get("metadata", {}).get("name") or f"{name}-{generation:05}-abc"
    if template == before.get("spec", {}).get("template"):
        made = before["status"]["latestCreatedRevisionName"]  # only the traffic moved
    else:
        google.revisions.append((name, made))
    url = f"https://{name}-{NUMBER}.{region}.run.app"
    meta |= {"generation": generation, "uid": "u", "resourceVersion": f"r{generation}"}
    meta |= {"creationTimestamp": MADE, "selfLink": f"/{name}"}
    meta.setdefault("labels", {})["cloud.googleapis.com/location"] = region
    service["status"] = {
        "observedGeneration": generation,
        "url": url,
        "address": {"url": url},
        "latestReadyRevisionName": made,
        "latestCreatedRevisionName": made,
        "traffic": _traffic(service, made),
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": MADE}
            for kind in ("Ready", "ConfigurationsReady", "RoutesReady")
        ],
    }
    return service


def _traffic(service: Json, latest: str) -> list[Json]:
    """Return where the traffic really goes: "latest" is a revision by now."""
    every = [{"latestRevision": True, "percent": 100}]
    wanted = service["spec"].setdefault("traffic", every)
    return [{**one, "revisionName": one.get("revisionName", latest)} for one in wanted]


def _refuse_what_is_missing(google: GoogleApis, service: Json) -> None:
    spec = service["spec"]["template"]["spec"]
    google.get(f"accounts/{spec['serviceAccountName']}")
    for variable in spec["containers"][0].get("env", []):
        if "valueFrom" in variable:
            ref = variable["valueFrom"]["secretKeyRef"]
            if int(ref["key"]) > len(google.secrets.get(ref["name"], [])):
                raise RefusedError(400, "INVALID_ARGUMENT", f"no secret {ref['name']}")


@answers("GET", SERVICES)
def services(google: GoogleApis, request: Request) -> Json:
    kind = "services/" if request.parts[0] == REGION else "elsewhere/"
    return {"items": google.listed(kind), "metadata": {}}


@answers("POST PUT", rf"{SERVICES}(?:/[^/]+)?")
def deploy(google: GoogleApis, request: Request) -> Json:
    service = request.json
    _refuse_what_is_missing(google, service)
    if "dryRun" in request.query:
        return service
    name = service["metadata"]["name"]
    ready = _ready(google, service, request.parts[0])
    google.made[_key(request.parts[0], name)] = ready
    if name == "fyers-image":
        image = f"{PARENT}/repositories/cloud-run-source-deploy/packages/{name}"
        google.made[f"packages/{name}"] = {"name": image}
    return ready


@answers("GET DELETE", rf"{SERVICES}/([^/]+)")
def one_service(google: GoogleApis, request: Request) -> Json:
    key = _key(*request.parts)
    found = google.get(key)
    if request.method == "DELETE":
        del google.made[key]
        return {"status": "Success"}
    return found


@answers("GET", SERVICES.replace("/services", "/revisions"))
def revisions(google: GoogleApis, request: Request) -> Json:
    wanted = request.query.get("labelSelector", "").rpartition("=")[2].strip()
    made = [name for service, name in google.revisions if service == wanted]
    return {
        "metadata": {},
        "items": [
            {
                "metadata": {
                    "name": name,
                    "creationTimestamp": f"2026-11-23T03:30:{number:02}Z",
                    "labels": {"serving.knative.dev/service": wanted},
                },
                "spec": {},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
            for number, name in enumerate(made)
        ],
    }


# ---- what the functions themselves answer

PUBLIC_ADDRESS = rf"((?:next---)?)([a-z-]+)-{NUMBER}\.{REGION}\.run\.app/"


@answers("GET", PUBLIC_ADDRESS)
def a_function(google: GoogleApis, request: Request) -> Json:
    """Answer as the function itself does, readyz from its own words for it."""
    tag, name = request.parts
    google.get(f"services/{name}")
    google.asked.append(f"{tag}{name}")
    if name == "generate-token":
        raise RefusedError(400, "bad_request", "the login's code is missing")
    symbols = "fyers-symbols" in google.jobs_run
    checks = {"settings": True, "store": True, "token": False, "symbols": symbols}
    checks |= {"fyers": False, "reconcile": True, "guard": True, "notifications": True}
    return Report({name: CheckState(ok) for name, ok in checks.items()}).content()


@answers("POST", PUBLIC_ADDRESS)
def an_alert(google: GoogleApis, request: Request) -> Json:
    body = request.json
    if body["token"] != google.secrets["WEBHOOK_SECRET_TOKEN"][-1]:
        raise RefusedError(401, "unauthorized", "wrong or missing token")
    google.heard.append({"action": body["action"]})
    by_hand = body["idempotency_key"].startswith(BY_HAND)
    held = {
        "reason": {"stringValue": "by the owner" if by_hand else "by an alert"},
        "at": {"timestampValue": "2026-11-25T04:00:00.123456Z"},
    }
    document = {"fields": {"paused": {"mapValue": {"fields": held}}}}
    google.made["documents/control/entries"] = document
    return {"code": "paused"}


@answers("GET", r"fyers\.invalid/data/marketStatus")
def market(google: GoogleApis, request: Request) -> Json:
    """Answer as FYERS on a day off."""
    row = {"exchange": 10, "segment": 11, "market_type": "NORMAL", "status": "CLOSED"}
    return {"s": "ok", "code": 200, "marketStatus": [row]}


@answers("POST", r"hook\.invalid/NOTICEVALUE")
def notice(google: GoogleApis, request: Request) -> Json:
    google.heard.append({"notice": request.json["event"]})
    return {}


# ---- schedules

JOBS = (
    rf"cloudscheduler\.googleapis\.com/v1/projects/{{project}}/locations/{REGION}/jobs"
)


@answers("GET", JOBS)
def jobs(google: GoogleApis, request: Request) -> Json:
    return {"jobs": google.listed("jobs/")}


@answers("POST", JOBS)
def make_job(google: GoogleApis, request: Request) -> Json:
    job = request.json
    return google.create(f"jobs/{job['name'].rpartition('/')[2]}", job)


@answers("GET PATCH DELETE", rf"{JOBS}/([^/:]+)")
def one_job(google: GoogleApis, request: Request) -> Json:
    found = google.get(f"jobs/{request.parts[0]}")
    if request.method == "DELETE":
        del google.made[f"jobs/{request.parts[0]}"]
    found.update(request.json)
    return found


@answers("POST", rf"{JOBS}/([^/:]+):run")
def run_job(google: GoogleApis, request: Request) -> Json:
    job = google.get(f"jobs/{request.parts[0]}")
    google.jobs_run.append(request.parts[0])
    target = job["httpTarget"]
    if "updateMask=scaling.minInstanceCount" in target["uri"]:
        wanted = json.loads(base64.b64decode(target["body"]))["scaling"]
        webhook = google.get("services/webhook")["metadata"]["annotations"]
        webhook["run.googleapis.com/minScale"] = str(wanted["minInstanceCount"])
        if not wanted["minInstanceCount"]:
            del webhook["run.googleapis.com/minScale"]
    return job
