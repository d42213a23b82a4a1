from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser

import pytest

from shared import pages
from shared.builder import Draft, Pick
from shared.desk import Outcome, Tone, front, past
from shared.guardrails import Pause
from shared.models import IST
from tests.unit.desk_board import (
    board,
    control,
    ended,
    entry,
    guard,
    refused,
    risk,
    watch,
)

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=IST)
SIX = datetime(2026, 11, 24, 6, 0, tzinfo=IST)
EVIL = '"><script>alert(1)</script>'

FORM = pages.Form("the session's token", lambda: "0" * 32)
BUSY = board(
    claims=(entry(strategy=EVIL), ended("-1250", 40), refused(reason=EVIL)),
    control=control(3, paused=Pause(EVIL, NOW)),
    guard=guard(
        watch(risks=(risk(about=f"65:{EVIL}"),)),
        watch(EVIL, risks=(risk(acknowledged=True),)),
    ),
)

ALL = [
    pytest.param(pages.front(front(board()), FORM), id="desk-empty"),
    pytest.param(pages.front(front(BUSY), FORM), id="desk-busy"),
    pytest.param(pages.past(past(NOW.date(), BUSY.claims, BUSY.guard)), id="desk-past"),
    pytest.param(pages.desk_login("https://a.example"), id="desk-login"),
    pytest.param(pages.desk_login("", left=True), id="desk-left"),
    pytest.param(pages.desk_login("javascript:1", tapped=True), id="desk-over"),
    pytest.param(pages.desk_failure(EVIL, EVIL), id="desk-failure"),
    pytest.param(pages.desk_refused(EVIL, unsure=True), id="desk-refused"),
    pytest.param(
        pages.outcome(Outcome(EVIL, EVIL, Tone.BAD, (EVIL,))), id="desk-outcome"
    ),
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
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

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


DRAFT = Draft(
    picks=(
        Pick("action", "Action", "SELL", (("SELL", "sell"), (EVIL, EVIL))),
        Pick("lots", "Lots", EVIL),
    ),
    says=f"Sells {EVIL}",
    alert=f'{{"x": "{EVIL}"}}',
)


@pytest.mark.parametrize("draft", [DRAFT, Draft(DRAFT.picks, problem=EVIL)])
def test_the_builders_page_escapes_all_and_runs_only_its_own_script(
    draft: Draft,
) -> None:
    page = pages.builder(draft)
    assert _Tags(page.html).open == []
    (script,) = re.findall(r"<script>(.*?)</script>", page.html, re.DOTALL)
    assert "alert(1)" not in script
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy
    assert "unsafe" not in page.policy
    assert "form-action 'self'" in page.policy


def test_the_builders_form_works_without_its_script() -> None:
    html = pages.builder(DRAFT).html
    assert '<form method="get" action="">' in html
    assert '<input type="hidden" name="build" value="1">' in html
    assert '<option value="SELL" selected>sell</option>' in html
    assert "<button" in html


def test_the_connect_page_leads_to_the_desk_and_its_builder() -> None:
    html = pages.connect(SIX, NOW, desk="https://d.example").html
    assert 'href="https://d.example"' in html
    assert 'href="https://d.example?build=1"' in html


@pytest.mark.parametrize("address", ["", "javascript:alert(1)"])
def test_without_a_desk_the_connect_page_leads_to_none(address: str) -> None:
    html = pages.connect(SIX, NOW, desk=address).html
    assert "build=1" not in html
    assert "javascript" not in html


def test_every_form_of_the_desk_carries_its_token_and_a_key_of_its_own() -> None:
    keys = iter(f"{number:032x}" for number in range(100))
    html = pages.front(front(BUSY), pages.Form("the token", lambda: next(keys))).html
    forms = re.findall(r"<form.*?</form>", html, re.DOTALL)
    assert len(forms) > 5
    assert all('name="csrf" value="the token"' in form for form in forms)
    found = [re.findall(r'name="key" value="(\w+)"', form) for form in forms]
    assert len({key for (key,) in found}) == len(forms)


def test_what_moves_money_opens_before_it_is_sent() -> None:
    html = pages.front(front(BUSY), FORM).html
    for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
        asked = html[: html.index(form)].rpartition("<details")[2]
        if re.search(r'value="(exit|exit-all|resume)"', form):
            assert asked.startswith(' class="ask">')
            assert "</details>" not in asked


def test_the_days_line_says_itself_to_who_cannot_see_it() -> None:
    html = pages.front(front(BUSY), FORM).html
    assert (
        'role="img" preserveAspectRatio="none" aria-label="Realized −₹1,250 after 1 '
        'contract, lowest −₹1,250, highest ₹0"' in html
    )
    assert "Nothing has ended yet." in pages.front(front(board()), FORM).html


def test_red_is_only_what_needs_a_hand() -> None:
    quiet = board(claims=(entry(), ended("-99", 40), refused()), guard=guard(watch()))
    html = pages.front(front(quiet), FORM).html
    body = html.partition("</style>")[2]
    assert not re.search(r'class="[^"]*\b(bad|alarm|alarms|wrong)\b', body)
