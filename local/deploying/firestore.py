"""Firestore's REST form of a query and of documents, for tools without its client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.adapters.documents import Document, Plain


class NoAnswer(Exception):
    """What came is no list of documents; the text is what the database says."""


def query(collection: str, field: str, equals: str) -> str:
    """Return the body of `documents:runQuery` that finds by one field."""
    wanted = {
        "field": {"fieldPath": field},
        "op": "EQUAL",
        "value": {"stringValue": equals},
    }
    found = {"from": [{"collectionId": collection}], "where": {"fieldFilter": wanted}}
    return json.dumps({"structuredQuery": found})


def documents(answer: str) -> tuple[Document, ...]:
    """Return the documents of an answer to `documents:runQuery`; raise `NoAnswer`."""
    try:
        rows = json.loads(answer)
    except ValueError:
        raise NoAnswer("nothing that can be read") from None
    if not isinstance(rows, list):
        raise NoAnswer(_error(rows))
    for row in rows:
        if "error" in row:
            raise NoAnswer(_error(row))
    return tuple(_document(row["document"]) for row in rows if "document" in row)


def _error(answer: Any) -> str:
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    return str(error.get("message", "nothing that can be read"))


def _document(found: Mapping[str, Any]) -> Document:
    fields = {name: _value(each) for name, each in found["fields"].items()}
    return Document(found["name"].rpartition("/")[2], fields, found["updateTime"])


def _value(value: Mapping[str, Any]) -> Plain:
    """Return a field; the one key of `value` names its kind."""
    ((kind, held),) = value.items()
    match kind:
        case "nullValue":
            return None
        case "integerValue":
            return int(held)
        case "timestampValue":
            return datetime.fromisoformat(held)
        case "arrayValue":
            return [_value(each) for each in held.get("values", [])]
        case "mapValue":
            return {name: _value(each) for name, each in held.get("fields", {}).items()}
    plain: Plain = held
    return plain
