"""What the stand-in answers about the bucket, database, topic and secrets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import unquote

from shared.adapters import claim_codec
from shared.adapters.documents import Plain
from shared.idempotency import Released
from shared.idempotency.transitions import moved
from tests.contract.claims_made import LATER, claimed
from tests.deploy.google_apis import (
    NUMBER,
    PROJECT,
    GoogleApis,
    Json,
    Request,
    already_there,
    answers,
    done,
    not_found,
)

# ---- bucket, database, topic


@answers("POST", r"storage\.googleapis\.com/storage/v1/b")
def make_bucket(google: GoogleApis, request: Request) -> Json:
    name = request.json["name"]
    if f"buckets/{name}" in google.made:
        raise already_there(name)
    known = {"kind": "storage#bucket", "id": name, "metageneration": "1"}
    return google.create(f"buckets/{name}", {**request.json, **known})


@answers("GET", r"storage\.googleapis\.com/storage/v1/b")
def buckets(google: GoogleApis, request: Request) -> Json:
    return {"kind": "storage#buckets", "items": google.listed("buckets/")}


@answers("GET PATCH DELETE", r"storage\.googleapis\.com/storage/v1/b/([^/]+)")
def one_bucket(google: GoogleApis, request: Request) -> Json:
    found = google.get(f"buckets/{request.parts[0]}")
    if request.method == "DELETE":
        del google.made[f"buckets/{request.parts[0]}"]
    change = request.json
    labels = {**found.get("labels", {}), **(change.get("labels") or {})}
    found.update({**change, "labels": labels} if request.method == "PATCH" else {})
    return found


@answers("GET", r"storage\.googleapis\.com/storage/v1/b/([^/]+)/storageLayout")
def layout(google: GoogleApis, request: Request) -> Json:
    return {"kind": "storage#storageLayout", "bucket": request.parts[0]}


@answers("GET", r"storage\.googleapis\.com/storage/v1/b/([^/]+)/(?:o|managedFolders)")
def objects(google: GoogleApis, request: Request) -> Json:
    return {"items": []}


@answers("GET", r"storage\.googleapis\.com/(?:download/)?storage/v1/b/([^/]+)/o/(\S+)")
def one_object(google: GoogleApis, request: Request) -> Json:
    """Return an object's content where the media is asked for, else what it is."""
    bucket, name = request.parts[0], unquote(request.parts[1])
    found = google.get(f"objects/{bucket}/{name}")
    if request.query.get("alt") == "media":
        return found
    size = str(len(json.dumps(found)))
    known = {"generation": "1", "metageneration": "1", "size": size}
    link = f"http://storage.googleapis.com/download/storage/v1/b/{bucket}/o/{name}"
    known |= {"kind": "storage#object", "mediaLink": f"{link}?alt=media"}
    return {"bucket": bucket, "name": name, **known}


@answers("POST", r"storage\.googleapis\.com/(?:resumable/)?upload/storage/v1/b/(.+)/o")
def upload(google: GoogleApis, request: Request) -> Json:
    size = re.search(rb'"size": ?"?(\d+)', request.raw)
    name = re.search(rb'"name": ?"([^"]+)"', request.raw)
    google.made.setdefault("uploads/", {"zips": []})["zips"].append(request.raw)
    return {
        "name": request.query.get("name") or (name.group(1).decode() if name else "x"),
        "bucket": request.parts[0],
        "generation": "1",
        "metageneration": "1",
        "size": size.group(1).decode() if size else "1",
    }


FIRESTORE = r"firestore\.googleapis\.com/v1/projects/{project}/databases"


@answers("POST", FIRESTORE)
def make_database(google: GoogleApis, request: Request) -> Json:
    name = f"projects/{PROJECT}/databases/{request.query['databaseId']}"
    kept = {"name": name, "type": request.json["type"]}
    google.create(f"databases/{request.query['databaseId']}", kept)
    return done({"name": name}, "google.firestore.admin.v1.Database")


@answers("GET", rf"{FIRESTORE}/([^/]+)")
def one_database(google: GoogleApis, request: Request) -> Json:
    return google.get(f"databases/{request.parts[0]}")


@answers("GET", rf"{FIRESTORE}/([^/]+)/collectionGroups/-/fields")
def expiring_fields(google: GoogleApis, request: Request) -> Json:
    return {"fields": google.listed("fields/")}


@answers("PATCH", rf"{FIRESTORE}/([^/]+)/collectionGroups/([^/]+)/fields/([^/]+)")
def expire_field(google: GoogleApis, request: Request) -> Json:
    name = request.path.partition("/v1/")[2]
    if not request.json.get("ttlConfig") and f"fields/{name}" in google.made:
        del google.made[f"fields/{name}"]
        return {"name": f"projects/{PROJECT}/databases/(default)/operations/o1"}
    google.made[f"fields/{name}"] = {"name": name, "ttlConfig": {"state": "CREATING"}}
    return {"name": f"projects/{PROJECT}/databases/(default)/operations/o1"}


@answers("POST", rf"{FIRESTORE}/([^/]+):bulkDeleteDocuments")
def delete_documents(google: GoogleApis, request: Request) -> Json:
    google.made["deleted/"] = request.json
    return documents_deleted(google, request)


@answers("GET", rf"{FIRESTORE}/([^/]+)/operations/o1")
def documents_deleted(google: GoogleApis, request: Request) -> Json:
    name = f"projects/{PROJECT}/databases/{request.parts[0]}/operations/o1"
    kind = "google.firestore.admin.v1.BulkDeleteDocumentsResponse"
    return {**done({}, kind), "name": name}


@answers("GET PATCH", rf"{FIRESTORE}/[^/]+/documents/(control/entries)")
def control(google: GoogleApis, request: Request) -> Json:
    found = google.get(f"documents/{request.parts[0]}")
    if request.method == "PATCH":
        for name in request.query["updateMask.fieldPaths"].split(","):
            found["fields"].pop(name, None)
        found["fields"].update(request.json.get("fields", {}))
    return found


@answers("POST", rf"{FIRESTORE}/[^/]+/documents:runQuery")
def find_documents(google: GoogleApis, request: Request) -> Any:
    """Answer with one claim of the day that is asked for."""
    (asked,) = request.json["structuredQuery"]["from"]
    wanted = request.json["structuredQuery"]["where"]["fieldFilter"]
    if (asked["collectionId"], wanted["field"]["fieldPath"]) != ("alerts", "day"):
        raise not_found("that query")
    day = date.fromisoformat(wanted["value"]["stringValue"])
    at = datetime.combine(day, time(4), UTC)
    refused = moved(claimed(), Released(LATER, "refused for this test"))
    claim = replace(refused, created_at=at)
    found = {
        "name": f"projects/{PROJECT}/databases/(default)/documents/alerts/{'0' * 64}",
        "fields": {name: _rest(v) for name, v in claim_codec.encode(claim).items()},
        "updateTime": "2026-11-25T04:00:00.123456789Z",
    }
    return [{"document": found, "readTime": "2026-11-25T04:00:01Z"}]


def _rest(value: Plain) -> Json:
    """Return a field as Firestore's REST form has it."""
    match value:
        case None:
            return {"nullValue": None}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(value)}
        case str():
            return {"stringValue": value}
        case datetime():
            return {"timestampValue": value.isoformat()}
        case Mapping():
            return {"mapValue": {"fields": {k: _rest(v) for k, v in value.items()}}}
    return {"arrayValue": {"values": [_rest(each) for each in value]}}


@answers(
    "PUT GET DELETE", r"pubsub\.googleapis\.com/v1/projects/{project}/topics/(\S+)"
)
def topic(google: GoogleApis, request: Request) -> Json:
    key = f"topics/{request.parts[0]}"
    if request.method == "PUT":
        return google.create(key, {"name": f"projects/{PROJECT}/{key}"})
    found = google.get(key)
    if request.method == "DELETE":
        del google.made[key]
    return found


# ---- secrets

SECRETS = r"secretmanager\.googleapis\.com/v1/projects/{project}/secrets"


@answers("GET", SECRETS)
def secrets(google: GoogleApis, request: Request) -> Json:
    return {"secrets": [_secret(google, name) for name in google.secrets]}


def _secret(google: GoogleApis, name: str) -> Json:
    labels = google.made.get(f"secrets/{name}", {}).get("labels", {})
    path = f"projects/{NUMBER}/secrets/{name}"
    return {"name": path, "replication": {}, "labels": labels, "etag": '"1"'}


@answers("POST", SECRETS)
def make_secret(google: GoogleApis, request: Request) -> Json:
    name = request.query["secretId"]
    if name in google.secrets:
        raise already_there(name)
    google.secrets[name] = []
    return {"name": f"projects/{NUMBER}/secrets/{name}", "replication": {}}


@answers("GET", rf"{SECRETS}/([^/:]+)/versions/(?:latest|\d+):access")
def access(google: GoogleApis, request: Request) -> Json:
    name = request.parts[0]
    value = google.secrets[name][-1].encode()
    return {
        "name": f"projects/{NUMBER}/secrets/{name}/versions/1",
        "payload": {"data": base64.b64encode(value).decode()},
    }


@answers("GET PATCH DELETE", rf"{SECRETS}/([^/:]+)")
def one_secret(google: GoogleApis, request: Request) -> Json:
    name = request.parts[0]
    if name not in google.secrets:
        raise not_found(name)
    if request.method == "DELETE":
        del google.secrets[name]
    elif request.method == "PATCH":
        google.made[f"secrets/{name}"] = request.json
    return _secret(google, name)


@answers("POST", rf"{SECRETS}/([^/:]+):addVersion")
def add_version(google: GoogleApis, request: Request) -> Json:
    name = request.parts[0]
    value = base64.b64decode(request.json["payload"]["data"]).decode()
    kept = google.secrets[name]
    kept.append(value)
    return {
        "name": f"projects/{NUMBER}/secrets/{name}/versions/{len(kept)}",
        "state": "ENABLED",
        "clientSpecifiedPayloadChecksum": True,
    }


@answers("GET", rf"{SECRETS}/([^/:]+)/versions")
def versions(google: GoogleApis, request: Request) -> Json:
    name = request.parts[0]
    numbers = range(len(google.secrets[name]), 0, -1)
    return {
        "versions": [
            {
                "name": f"projects/{NUMBER}/secrets/{name}/versions/{number}",
                "state": "ENABLED",
                "createTime": f"2026-11-23T03:30:{number:02}Z",
            }
            for number in numbers
        ]
    }
