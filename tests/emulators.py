"""The emulators: one of each per run, whichever of its workers needs it first."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import NoReturn

import pytest

from local.standins import emulators


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the run must not pass by skipping."""
    if os.environ.get("REQUIRE_EMULATORS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def shared(folder: Path, variable: str) -> emulators.Emulator:
    """Return the run's emulator; start it unless another worker has.

    `folder` is the run's own: `end` ends what was started for it.
    """
    kept = folder / variable
    with kept.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # dropped with the file, or with its worker
        file.seek(0)
        if said := file.read().split():
            return emulators.Emulator(variable, said[0], int(said[1]))
        try:
            emulator = emulators.start(variable)
        except emulators.NoEmulator as error:
            missing(str(error))
        print(emulator.host, emulator.group, file=file, flush=True)
        return emulator


def end(folder: Path) -> None:
    """End every emulator of the run."""
    for variable in (emulators.FIRESTORE, emulators.PUBSUB):
        kept = folder / variable
        if kept.exists() and (said := kept.read_text().split()):
            emulators.end(emulators.Emulator(variable, said[0], int(said[1])))
