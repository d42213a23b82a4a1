"""The journal from the cloud: Firestore's REST form read as its client reads it."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest
import requests

from local.deploying import firestore
from local.standins.emulators import Emulator
from shared.adapters.firestore import FirestoreDocuments
from shared.adapters.store import CLAIMS, Store, claims_of
from shared.models import IST
from tests.contract.claims_made import FULL, NOW, claimed
from tests.contract.conftest import seconds

ROOT = Path(__file__).resolve().parents[2]
DAY = NOW.astimezone(IST).date()


@pytest.fixture(scope="module")
def answer(firestore_emulator: Emulator) -> str:
    """Return what runQuery answers about a day with claims of every state."""
    project, host = f"rest-{uuid.uuid4().hex[:8]}", firestore_emulator.host
    documents = FirestoreDocuments(project, "(default)", time.sleep, host)
    store = Store(documents, lambda: NOW)
    for number, full in enumerate((*FULL, claimed())):
        store.create(f"{number:064x}", full, seconds(60))
    reply = requests.post(
        f"http://{host}/v1/projects/{project}/databases/(default)/documents:runQuery",
        data=firestore.query(CLAIMS, "day", DAY.isoformat()),
        headers={"Authorization": "Bearer owner"},
        timeout=30,
    )
    assert reply.status_code == 200, reply.text
    found = {one.key: one.claim for one in claims_of(firestore.documents(reply.text))}
    kept = {one.key: one.claim for one in store.of_day(DAY, seconds(60))}
    assert found == kept
    return reply.text


def test_every_field_is_read_as_the_client_reads_it(answer: str) -> None:
    found = claims_of(firestore.documents(answer))
    assert Counter(one.claim for one in found) == Counter((*FULL, claimed()))


def journal(text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it as on a new machine, with nothing but Python."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "local.journal", "--answer", *words],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_journal_needs_nothing_but_python(answer: str) -> None:
    done = journal(answer)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(FULL) + 1
    assert "no answer" in done.stdout
    table = journal(answer, "--csv")
    assert table.stdout.startswith("time,alert,state,reason,order,")


def test_a_day_without_alerts_says_so() -> None:
    done = journal('[{"readTime": "2026-11-25T04:00:00Z"}]', "--day", "2026-11-25")
    assert (done.returncode, done.stdout) == (0, "No alert came on 2026-11-25.\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"error": {"code": 403, "message": "no right"}}]', "no right"),
        ('{"error": {"code": 401, "message": "no login"}}', "no login"),
        ("<html>", "nothing that can be read"),
        ("", "nothing that can be read"),
    ],
)
def test_a_database_that_refuses_is_no_empty_day(text: str, words: str) -> None:
    done = journal(text)
    assert done.returncode == 1
    assert done.stderr == f"The database says: {words}\n"
    assert done.stdout == ""
