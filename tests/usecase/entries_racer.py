"""One process of a race of entries: an instance of its own on the common store.

    python -m tests.usecase.entries_racer sqlite FOLDER entries whole

It says `ready`, waits for a line, delivers 32 entries at once and says in JSON what
came of them. The machine `whole` is the real one; each other lacks one rule.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from shared.adapters.documents import Documents
from shared.adapters.kept import KeptDocument
from shared.guardrails import Control, Entries, Exposure, Limits, Place
from shared.models import Deadline
from tests.fakes.documents import MemoryDocuments
from tests.support.stores import documents
from tests.usecase.world import MORNING, World

AT_ONCE = 32
LIMIT = 5
RULES = {
    "entries": Limits(entries_per_day=LIMIT),
    "lots": Limits(open_lots=LIMIT),
}


class Instance(World):
    """A world on the real clock's seconds, with many threads and a shared store."""

    def __init__(self, kind: str, address: str, rule: str, machine: str) -> None:
        self._kind, self._address, self._machine = kind, address, machine
        super().__init__(Path(address), limits=RULES[rule])

    def open_documents(self, folder: Path) -> Documents:
        """Return the store that both processes share."""
        if self._kind == "sqlite":
            return super().open_documents(folder)
        return documents(self._kind, self._address)

    def instance_entries(self) -> Entries:
        """Return the entry control, or one that lacks a rule."""
        own = self._machine == "of its own"
        kept: KeptDocument[Control] = KeptDocument(
            MemoryDocuments() if own else self.store.documents,
            "control",
            "entries",
            Control,
        )
        kind = Alone if self._machine == "without the others" else Entries
        lock = threading.Lock()
        return kind(kept, self.limits, self.clock, lock, self.claims.was_sent)

    def clock(self) -> datetime:
        """Return one instant for all: only the deadlines run."""
        return MORNING

    def wait(self, seconds: float) -> None:
        """Wait in earnest."""
        time.sleep(seconds)

    def deadline(self, seconds: float = 60) -> Deadline:
        """Return a deadline long enough for a slow machine."""
        return Deadline(time.monotonic() + 60, time.monotonic)

    def _attempt(self) -> str:
        return secrets.token_hex(16)


class Alone(Entries):
    """A machine that judges an entry without the places taken before its own."""

    def judge(self, control: Control, own: Place, exposure: Exposure) -> None:
        mine = tuple(place for place in control.places if place.alert == own.alert)
        super().judge(replace(control, places=mine), own, replace(exposure, ours={}))


def main(kind: str, address: str, rule: str, machine: str) -> None:
    """Run once."""
    warnings.simplefilter("ignore")
    world, me = Instance(kind, address, rule, machine), secrets.token_hex(4)
    gate = threading.Barrier(AT_ONCE)

    def deliver(number: int) -> int:
        gate.wait()
        return world.send(key=f"{me} {number}").reply.status

    world.store.warm(world.deadline())
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = Counter(pool.map(deliver, range(AT_ONCE)))
    print(json.dumps({"placed": len(world.broker.placed), "statuses": statuses}))


@dataclass(frozen=True)
class Outcome:
    """What came of all deliveries."""

    placed: int
    statuses: Counter[int]


def race(
    kind: str, address: str, rule: str, machine: str, env: dict[str, str]
) -> Outcome:
    """Let two processes deliver at once."""
    command = [sys.executable, "-m", "tests.usecase.entries_racer"]
    racers = [
        subprocess.Popen(
            [*command, kind, address, rule, machine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    said = [json.loads(text) for text in _go(racers)]
    statuses: Counter[int] = Counter()
    for one in said:
        statuses.update({int(name): n for name, n in one["statuses"].items()})
    return Outcome(sum(one["placed"] for one in said), statuses)


def _go(racers: list[subprocess.Popen[str]]) -> list[str]:
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return [racer.communicate()[0] for racer in racers]


if __name__ == "__main__":
    main(*sys.argv[1:])
