"""Sixty-four entries at once over two processes: never one more than the limit."""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path

import pytest

from local.standins.emulators import Emulator
from tests.usecase.entries_racer import AT_ONCE, LIMIT, RULES, race

EXACTLY = Counter({200: LIMIT, 400: 2 * AT_ONCE - LIMIT})


@pytest.mark.parametrize("rule", list(RULES))
def test_sixty_four_entries_at_once_are_as_many_orders_as_the_limit_lets_through(
    tmp_path: Path, rule: str
) -> None:
    outcome = race("sqlite", str(tmp_path), rule, "whole", {})
    assert (outcome.placed, outcome.statuses) == (LIMIT, EXACTLY)


def test_so_are_they_on_firestore(firestore_emulator: Emulator) -> None:
    project = f"t-{secrets.token_hex(6)}"
    env = firestore_emulator.env()
    outcome = race("firestore", project, "entries", "whole", env)
    assert (outcome.placed, outcome.statuses) == (LIMIT, EXACTLY)


@pytest.mark.parametrize("machine", ["of its own", "without the others"])
def test_a_machine_that_lacks_a_rule_lets_more_through(
    tmp_path: Path, machine: str
) -> None:
    assert race("sqlite", str(tmp_path), "entries", machine, {}).placed > LIMIT
