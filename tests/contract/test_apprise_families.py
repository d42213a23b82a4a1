"""A notice reaches every family of channels as it is written.

Apprise's own plugins send to a loopback server, which reads what arrives as the service
does: Telegram its HTML, Slack its entities, a mail client the parts of a mail.
"""

from __future__ import annotations

import email
import email.policy
import html
import json
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from shared.adapters.channels import Channels
from shared.adapters.notice_codec import text
from shared.models import Notice, Secret, Severity
from tests.contract.conftest import seconds
from tests.contract.loopback import Loopback, read_request, self_signed

DESK = "https://desk.example/?a=1&b=2"

NOTICE = Notice(
    message="A & B < C > D: *bold* _italic_ [text](http://x.example) `code` ~gone~ "
    "&amp; <b>not bold</b> \\ # | ₹1,25,000 – “said”.\n"
    "A second line, 2 * 3 = 6, snake_case_name.\n- a third",
    severity=Severity.CRITICAL,
    event="exits_missing",
    at=datetime(2026, 11, 24, 4, tzinfo=UTC),
    request_id="r_1",
    contract="NSE:M&M26NOV3000CE",
    side="SELL",
    quantity=65,
)
WRITTEN = text(NOTICE, DESK)


class Service:
    """A service of HTTP or of mail on a loopback port, and what reached it."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.arrived: list[bytes] = []
        self.mail = False
        self._server = Loopback(self._serve, certificate)
        self.close = self._server.close
        self.port = self._server.port
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def posted(self) -> dict[str, Any]:
        """Return the one JSON body that arrived."""
        (body,) = self.arrived
        content: dict[str, Any] = json.loads(body)
        return content

    def _serve(self, peer: socket.socket, over: threading.Event) -> None:
        with peer.makefile("rb") as lines:
            if self.mail:
                self._take_mail(peer, lines)
                return
            request = read_request(lines)
        assert request is not None
        self.arrived.append(request.body)
        said = b'{"ok": true, "result": {}}'
        if b"attachments" in self.arrived[-1]:
            said = b"ok"  # as Slack's incoming webhooks answer
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\nConnection: close"
        peer.sendall(f"{head}\r\n\r\n".encode() + said)

    def _take_mail(self, peer: socket.socket, lines: Iterator[bytes]) -> None:
        """Speak as much SMTP as one mail needs."""
        peer.sendall(b"220 loopback\r\n")
        for line in lines:
            word = line[:4].upper()
            if word == b"DATA":
                peer.sendall(b"354 go on\r\n")
                held = iter(lines.__next__, b".\r\n")
                self.arrived.append(
                    b"".join(one.removeprefix(b".") for one in held)  # dot-stuffed
                )
            if word == b"QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            peer.sendall(b"250 fine\r\n")


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


def deliver(url: str) -> None:
    """Send the notice as the functions do."""
    channels = Channels("", Secret(url), "", DESK)
    assert channels.send(NOTICE, seconds(60)) == ()


def shown(markup: str) -> str:
    """Return what HTML shows: its tags gone, its entities read."""
    broken = re.sub(r"<br\s*/?>\r?\n?", "\n", markup)
    return html.unescape(re.sub(r"<[^>]*>", "", broken)).replace("\xa0", " ")


def test_a_plain_post_carries_it(service: Service) -> None:
    deliver(f"json://127.0.0.1:{service.port}/hook")
    assert service.posted["message"] == WRITTEN


def test_telegram_shows_it(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{service.url}/bot")
    deliver("tgram://123456789:abcdefghijklmnopqrstuvwxyz/12345")
    sent = service.posted
    assert sent["parse_mode"] == "HTML"
    markup = str(sent["text"])
    assert set(re.findall(r"<[^>]*>", markup)) <= {"<b>", "</b>"}
    assert shown(markup).replace("\r\n", "\n").endswith(WRITTEN)


def test_slack_shows_it(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotifySlack, "webhook_url", service.url)
    deliver("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts")
    sent = service.posted
    assert sent["mrkdwn"] is False
    (attachment,) = sent["attachments"]
    assert "mrkdwn_in" not in attachment
    raw = attachment["text"]
    assert re.findall(r"[<>]", raw) == []
    # Slack reads three entities and no others.
    read = raw.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert read == WRITTEN


PLAIN, MARKUP = "text/plain", "text/html"


@pytest.mark.parametrize(
    ("scheme", "more", "kinds"),
    [
        ("mailto", "&mode=insecure", [PLAIN]),
        ("mailtos", "&mode=ssl&verify=no", [PLAIN]),
        ("mailto", "&mode=insecure&format=html", [PLAIN, MARKUP]),
    ],
)
def test_a_mail_shows_it_in_every_part(
    tmp_path: Path, scheme: str, more: str, kinds: list[str]
) -> None:
    secure = scheme == "mailtos"
    service = Service(self_signed(tmp_path / "pem") if secure else None)
    service.mail = True
    try:
        deliver(
            f"{scheme}://127.0.0.1:{service.port}/?from=guard@example.com"
            f"&to=owner@example.com{more}"
        )
    finally:
        service.close()
    (raw,) = service.arrived
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["subject"] == "FYERS alerts: critical"
    parts = [part for part in mail.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == kinds
    for part in parts:
        text = part.get_content().replace("\r\n", "\n")
        seen = shown(text) if part.get_content_type() == MARKUP else text
        assert seen.strip() == WRITTEN, part.get_content_type()
