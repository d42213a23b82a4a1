"""The world of the order flow."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.usecase.world import CONTRACT, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def carried(tmp_path: Path) -> World:
    """A MARGIN short, sold at 14:30 on Monday, whose contract lives for weeks."""
    world = World(tmp_path)
    world.contract = replace(
        CONTRACT,
        expiry=date(2026, 12, 29),
        expires_at=CONTRACT.expires_at + timedelta(days=36),
    )
    world.wait(5 * 3600)
    world.send(productType="MARGIN")
    world.reconcile(after=60)
    return world
