"""One word, one thing: a public name belongs to one package of `shared`."""

import ast
from collections import defaultdict

from tests.meta.sources import ROOT

TWICE = {
    "Page": "what pages make; what web shows",
    "Reply": "the stored one; the one that goes out",
    "counted": "the desk's words; the webhook's hourly count",
    "deliver": "the use case; its wiring",
    "document": "a stored one; a page",
    "failure": "a reply; a page",
    "front": "the desk's values; their page",
    "is_paper": "of a board; of an alert",
    "names": "of settings; of what happens once",
    "past": "the desk's values; their page",
    "posted_code": "the rule; its wiring",
    "read_body": "as JSON; as bytes",
    "tell": "the desk's words; a notice",
    "text": "of a field; of a document",
    "unknown": "an outcome; a contract",
    "words": "FYERS's; an alert's",
}
"""Names of two packages, with what each means there; the list only gets shorter."""


def _public() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "shared").rglob("*.py"):
        package = path.relative_to(ROOT).with_suffix("").parts[1]
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[node.name].add(package)
    return {name: found[name] for name in found if not name.startswith("_")}


def test_no_new_name_means_two_things() -> None:
    twice = {name for name, packages in _public().items() if len(packages) > 1}
    assert twice == set(TWICE)


def test_every_such_name_says_what_it_means() -> None:
    assert all(TWICE.values())
