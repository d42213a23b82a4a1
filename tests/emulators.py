"""What a test does without: skip, or fail where the run must not pass by skipping."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the run must not pass by skipping."""
    if os.environ.get("REQUIRE_EMULATORS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
