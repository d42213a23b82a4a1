"""Each function starts under the plain framework, as the platform starts it."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.functional.platform import ROOT, started

NAMES = sorted(path.parent.name for path in ROOT.glob("functions/*/main.py"))
POSTED = ("refresh_token", "refresh_symbols", "reconcile")


def test_every_function_of_the_design_is_there() -> None:
    assert (
        sorted(
            [
                "auth_url",
                "desk",
                "generate_token",
                "readyz",
                "reconcile",
                "refresh_symbols",
                "refresh_token",
                "webhook",
            ]
        )
        == NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_function_starts_and_names_what_is_not_configured(
    name: str, tmp_path: Path
) -> None:
    with started(name, tmp_path) as instance:
        method = "POST" if name in POSTED else "GET"
        reply = requests.request(method, instance.url, timeout=30)
    if name == "readyz":
        assert reply.status_code == 503
        assert reply.json()["checks"]["settings"]["status"] == "failing"
    else:
        assert reply.status_code == 500
        assert reply.json()["code"] == "misconfigured"
