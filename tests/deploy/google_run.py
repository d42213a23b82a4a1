"""What the stand-in answers about builds, services and schedules."""

from __future__ import annotations

from shared.readiness import Report, State
from tests.deploy.google_apis import (
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
    "results": {"images": [{"name": "image", "digest": "sha256:" + "a" * 64}]},
}
BUILD_TYPE = "type.googleapis.com/google.devtools.cloudbuild.v1"


@answers("POST", rf"(?:{REGION}-)?run\.googleapis\.com/v2/{PARENT}/builds:submit")
def submit_build(google: GoogleApis, request: Request) -> Json:
    account = request.json["serviceAccount"].rpartition("/")[2]
    google.get(f"accounts/{account}")
    running = {"@type": f"{BUILD_TYPE}.BuildOperationMetadata", "build": BUILD}
    return {
        "buildOperation": {"name": f"{PARENT}/operations/op1", "metadata": running},
        "baseImageUri": f"{REGION}-docker.pkg.dev/serverless-runtimes/python312",
    }


@answers("GET", rf"cloudbuild\.googleapis\.com/v1/projects/[^/]+/locations/{REGION}/.*")
def build(google: GoogleApis, request: Request) -> Json:
    if "/operations/" not in request.path:
        return dict(BUILD)
    return {
        "name": f"{PARENT}/operations/op1",
        "done": True,
        "metadata": {"@type": f"{BUILD_TYPE}.BuildOperationMetadata", "build": BUILD},
        "response": {"@type": f"{BUILD_TYPE}.Build", **BUILD},
    }


# ---- services

SERVICES = (
    rf"{REGION}-run\.googleapis\.com/apis/serving\.knative\.dev/v1/namespaces/"
    r"{project}/services"
)


def _ready(google: GoogleApis, service: Json) -> Json:
    meta = service["metadata"]
    name = meta["name"]
    before = google.made.get(f"services/{name}", {}).get("metadata", {})
    generation = before.get("generation", 0) + 1
    revision = f"{name}-{generation:05}-abc"
    url = f"https://{name}-{NUMBER}.{REGION}.run.app"
    meta |= {"generation": generation, "uid": "u", "resourceVersion": f"r{generation}"}
    meta |= {"creationTimestamp": MADE, "selfLink": f"/{name}"}
    meta.setdefault("labels", {})["cloud.googleapis.com/location"] = REGION
    service["status"] = {
        "observedGeneration": generation,
        "url": url,
        "address": {"url": url},
        "latestReadyRevisionName": revision,
        "latestCreatedRevisionName": revision,
        "traffic": [{"revisionName": revision, "percent": 100, "latestRevision": True}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": MADE}
            for kind in ("Ready", "ConfigurationsReady", "RoutesReady")
        ],
    }
    return service


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
    return {"items": google.listed("services/"), "metadata": {}}


@answers("POST PUT", rf"{SERVICES}(?:/[^/]+)?")
def deploy(google: GoogleApis, request: Request) -> Json:
    service = request.json
    _refuse_what_is_missing(google, service)
    ready = _ready(google, service)
    if "dryRun" not in request.query:
        name = service["metadata"]["name"]
        image = f"{PARENT}/repositories/cloud-run-source-deploy/packages/{name}"
        google.made[f"services/{name}"] = ready
        google.made[f"packages/{name}"] = {"name": image}
    return ready


@answers("GET DELETE", rf"{SERVICES}/([^/]+)")
def one_service(google: GoogleApis, request: Request) -> Json:
    found = google.get(f"services/{request.parts[0]}")
    if request.method == "DELETE":
        del google.made[f"services/{request.parts[0]}"]
        return {"status": "Success"}
    return found


@answers("GET", rf"readyz-{NUMBER}\.{REGION}\.run\.app/")
def readyz(google: GoogleApis, request: Request) -> Json:
    """Answer as the function itself does, from its own words for it."""
    symbols = "fyers-symbols" in google.jobs_run
    checks = {"settings": True, "token": False, "symbols": symbols}
    return Report({name: State(ok) for name, ok in checks.items()}).content()


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
    google.jobs_run.append(request.parts[0])
    return google.get(f"jobs/{request.parts[0]}")
