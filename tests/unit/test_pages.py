from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser

import pytest

from shared import pages
from shared.models import IST

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=IST)
SIX = datetime(2026, 11, 24, 6, 0, tzinfo=IST)
EVIL = '"><script>alert(1)</script>'

ALL = [
    pytest.param(pages.connect(SIX, NOW), id="connect-connected"),
    pytest.param(pages.connect(None, NOW), id="connect"),
    pytest.param(pages.connected(SIX, NOW), id="connected"),
    pytest.param(pages.failure("no", "r-1", "https://a.example"), id="failure"),
]


class _Tags(HTMLParser):
    """Counts what is left open and notes every attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("page", ALL)
def test_every_element_is_closed_in_order(page: pages.Page) -> None:
    assert _Tags(page.html).open == []


@pytest.mark.parametrize("page", ALL)
def test_nothing_runs_and_nothing_is_loaded(page: pages.Page) -> None:
    names = {name for name, _ in _Tags(page.html).attributes}
    assert names.isdisjoint({"src", "style", "onclick", "onload", "srcset"})
    assert "<script" not in page.html
    assert "url(" not in page.html


@pytest.mark.parametrize("page", ALL)
def test_the_policy_allows_exactly_the_style_that_is_there(page: pages.Page) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "unsafe" not in page.policy


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (SIX, "Connected until 06:00 tomorrow"),
        (SIX - timedelta(days=1), "Connected until 06:00 today"),
        (SIX + timedelta(days=2), "Connected until 06:00 on 26 November"),
    ],
)
def test_the_connected_page_says_until_when(until: datetime, words: str) -> None:
    assert words in pages.connected(until, NOW).html


def test_tomorrow_is_tomorrow_in_india() -> None:
    just_past_midnight = datetime(2026, 11, 24, 0, 10, tzinfo=IST)
    assert "06:00 today" in pages.connected(SIX, just_past_midnight).html


def test_who_is_connected_reads_that_there_is_nothing_to_do() -> None:
    html = pages.connect(SIX, NOW).html
    assert "Until 06:00 tomorrow. There is nothing to do." in html


def test_who_is_not_connected_gets_the_button() -> None:
    html = pages.connect(None, NOW).html
    assert "<h1>Not connected</h1>" in html
    assert '<a class="go" href="?go=1">Connect FYERS</a>' in html


def test_the_alert_to_paste_is_json_without_a_secret_or_a_fixed_key() -> None:
    alert = json.loads(pages.ALERT)
    assert alert["token"] == "YOUR SECRET"
    assert alert["time"] == "{{timenow}}"
    assert "idempotency_key" not in alert


def test_whatever_a_failure_says_is_escaped() -> None:
    html = pages.failure(EVIL, EVIL, f"https://a.example/{EVIL}").html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_failure_leads_back_to_the_login() -> None:
    html = pages.failure("no", "r-1", "https://a.example").html
    assert '<a class="go" href="https://a.example?go=1">Try again</a>' in html


@pytest.mark.parametrize("address", ["", "javascript:alert(1)"])
def test_without_an_address_a_failure_points_to_the_notice(address: str) -> None:
    html = pages.failure("no", "r-1", address).html
    assert "login notice" in html
    assert "javascript" not in html


@pytest.mark.parametrize(
    ("said", "shown"), [("start again", "Start again."), ("", ".")]
)
def test_a_failure_is_a_sentence(said: str, shown: str) -> None:
    assert f"<p>{shown}</p>" in pages.failure(said, "r-1").html
