"""One process of a race: opens its own store and does what its standard input says.

Each line is `operation key`; the process prepares, says `ready`, waits for a line, then
acts and says what came of it.
"""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from dataclasses import replace
from datetime import timedelta

from shared.adapters.store import Store
from shared.errors import StoreError
from shared.idempotency import HeldLane, Lane, Stored
from shared.models import Deadline
from tests.contract.claims_made import NOW, claimed
from tests.support.stores import documents


def _act(store: Store, operation: str, key: str, stored: Stored | None, me: str) -> str:
    deadline = Deadline(time.monotonic() + 20, time.monotonic)
    try:
        if operation == "create":
            store.create(key, claimed(me), deadline)
        elif operation == "replace" and stored:
            store.replace(stored, replace(stored.claim, attempt=me), deadline)
        elif operation == "take":
            own = store.create(f"{me}{key[32:]}", claimed(me), deadline)
            free = HeldLane(key, None, None)
            store.take(free, _lane(own), own, deadline)
        elif not store.once(key, NOW + timedelta(days=1), deadline):
            return "second"
    except StoreError as error:
        return type(error).__name__
    return "won"


def _lane(own: Stored) -> Lane:
    return Lane(
        claim=own.key,
        attempt=own.claim.attempt,
        taken_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )


def main(name: str, address: str, me: str) -> None:
    """Serve the race until standard input ends."""
    warnings.simplefilter("ignore")
    store = Store(documents(name, address), lambda: NOW)
    for line in sys.stdin:
        operation, key = line.split()
        deadline = Deadline(time.monotonic() + 20, time.monotonic)
        stored = store.read(key, deadline)
        print("ready", flush=True)
        sys.stdin.readline()
        print(_act(store, operation, key, stored, me), flush=True)


class Racers:
    """Several such processes, told to act at once."""

    def __init__(
        self, count: int, name: str, address: str, env: dict[str, str]
    ) -> None:
        self.names = [f"{place:032x}" for place in range(count)]
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.contract.racer", name, address, me],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=env or None,
            )
            for me in self.names
        ]

    def race(self, operation: str, key: str) -> dict[str, str]:
        """Return what came of each process's attempt, by its name."""
        for text in (f"{operation} {key}\n", "go\n"):
            for process in self._processes:
                assert process.stdin is not None
                process.stdin.write(text)
                process.stdin.flush()
            said = [_line(process) for process in self._processes]
        return dict(zip(self.names, said, strict=True))

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


if __name__ == "__main__":
    main(*sys.argv[1:])
