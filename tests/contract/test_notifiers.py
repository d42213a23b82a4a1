"""The owner's channels: a Pub/Sub topic, a JSON post, Apprise, and all at once."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from local.standins.emulators import Emulator
from shared.adapters.apprise import AppriseChannel
from shared.adapters.channels import Channels
from shared.models import Notice, Secret, Severity
from shared.notifications import Notifier
from tests.contract.conftest import seconds
from tests.contract.loopback import Loopback, drip, read_request
from tests.fakes.notifier import MemoryNotifier
from tests.support.stopwatch import Stopwatch

BOUND = 0.4
SLACK = 0.15
HIDDEN = "hook-credential-7f3a"

NOTICE = Notice(
    message="The order may be at FYERS. Look at the order book.",
    severity=Severity.CRITICAL,
    event="outcome_unknown",
    at=datetime(2026, 11, 24, 4, tzinfo=UTC),
    request_id="r-1",
    contract="NSE:NIFTY26NOV25800CE",
    side="SELL",
    quantity=65,
)

DOCUMENT = {
    "message": "The order may be at FYERS. Look at the order book.",
    "severity": "CRITICAL",
    "event": "outcome_unknown",
    "request_id": "r-1",
    "contract": "NSE:NIFTY26NOV25800CE",
    "side": "SELL",
    "quantity": 65,
    "at": "2026-11-24T09:30:00+05:30",
    "alert_at": None,
    "link": None,
}


class Hook:
    """An address that keeps what is posted to it; `status` is its answer."""

    def __init__(self) -> None:
        self.status = 204
        self.mood = "answer"
        self.bodies: list[dict[str, object]] = []
        self._server = Loopback(self._serve)
        self.close = self._server.close

    def url(self, scheme: str = "http") -> Secret:
        return Secret(f"{scheme}://127.0.0.1:{self._server.port}/{HIDDEN}")

    def _serve(self, peer: socket.socket, over: threading.Event) -> None:
        with peer.makefile("rb") as lines:
            request = read_request(lines)
        assert request is not None
        self.bodies.append(request.json)
        if self.mood == "silent":
            over.wait(5)
        elif self.mood == "drip":
            peer.sendall(b"HTTP/1.1 200 OK\r\n")
            drip(peer, b"X-Slow: 1\r\n" * 40, over)
        else:
            head = f"HTTP/1.1 {self.status} x\r\nLocation: /elsewhere\r\n"
            peer.sendall(
                f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def closed() -> Secret:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return Secret(f"http://127.0.0.1:{port}/{HIDDEN}")


class Topic:
    """A topic on the emulator, and what arrived there."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.name = f"projects/{project}/topics/notices"
        self._subscription = f"projects/{project}/subscriptions/all"
        self._subscriber = SubscriberClient()
        publisher = PublisherClient()
        publisher.create_topic(request={"name": self.name})
        publisher.transport.close()
        self._subscriber.create_subscription(
            request={"name": self._subscription, "topic": self.name}
        )

    def arrived(self) -> list[tuple[dict[str, object], dict[str, str]]]:
        reply = self._subscriber.pull(
            request={"subscription": self._subscription, "max_messages": 10}, timeout=10
        )
        return [
            (json.loads(each.message.data), dict(each.message.attributes))
            for each in reply.received_messages
        ]

    def close(self) -> None:
        self._subscriber.close()


@pytest.fixture
def topic(pubsub_emulator: Emulator) -> Iterator[Topic]:
    with pubsub_emulator.here():
        topic = Topic(f"t-{secrets.token_hex(6)}")
        yield topic
        topic.close()


def web(url: Secret) -> Channels:
    return Channels("", url, "demo")


def test_the_post_is_the_notice_as_json(hook: Hook) -> None:
    assert web(hook.url()).send(NOTICE, seconds(60)) == ()
    assert hook.bodies == [DOCUMENT]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_means_it_was_taken(hook: Hook, status: int) -> None:
    hook.status = status
    assert web(hook.url()).send(NOTICE, seconds(60)) == ()


@pytest.mark.parametrize("status", [301, 307, 304, 400, 404, 429, 500, 503])
def test_any_other_answer_means_it_failed(hook: Hook, status: int) -> None:
    hook.status = status
    assert web(hook.url()).send(NOTICE, seconds(60)) == ("url",)


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.status = 307
    web(hook.url()).send(NOTICE, seconds(60))
    assert len(hook.bodies) == 1


@pytest.mark.parametrize("mood", ["silent", "drip"])
def test_a_post_ends_with_the_deadline(hook: Hook, mood: str) -> None:
    hook.mood = mood
    with Stopwatch() as took:
        assert web(hook.url()).send(NOTICE, seconds(BOUND)) == ("url",)
    assert took.seconds < BOUND + SLACK


def test_a_refused_connection_means_it_failed(closed: Secret) -> None:
    assert web(closed).send(NOTICE, seconds(60)) == ("url",)


def test_apprise_takes_any_other_address(hook: Hook) -> None:
    assert web(hook.url("json")).send(NOTICE, seconds(60)) == ()
    (body,) = hook.bodies
    assert body["type"] == "failure"
    assert body["message"] == (
        "The order may be at FYERS. Look at the order book.\n"
        "SELL 65 NSE:NIFTY26NOV25800CE\n24 Nov 09:30:00 IST\nrequest r-1"
    )


@pytest.mark.parametrize(
    ("severity", "kind"),
    [
        (Severity.INFO, "info"),
        (Severity.WARNING, "warning"),
        (Severity.ERROR, "failure"),
        (Severity.CRITICAL, "failure"),
    ],
)
def test_apprise_is_told_how_bad_it_is(
    hook: Hook, severity: Severity, kind: str
) -> None:
    plain = Notice("Log in.", severity, "login_needed", NOTICE.at)
    web(hook.url("json")).send(plain, seconds(60))
    (body,) = hook.bodies
    assert (body["type"], body["message"]) == (kind, "Log in.\n24 Nov 09:30:00 IST")


def test_a_notice_of_an_older_alert_carries_that_alerts_time_and_a_link(
    hook: Hook,
) -> None:
    late = replace(NOTICE, alert_at=datetime(2026, 11, 20, 9, 59, 30, tzinfo=UTC))
    desk = "https://desk.example/"
    Channels("", hook.url(), "", desk).send(late, seconds(60))
    Channels("", hook.url("json"), "", desk).send(late, seconds(60))
    document, spoken = hook.bodies
    assert (document["alert_at"], document["link"]) == (
        "2026-11-20T15:29:30+05:30",
        desk,
    )
    assert str(spoken["message"]).endswith(
        f"24 Nov 09:30:00 IST, alert of 20 Nov 15:29:30\nrequest r-1\n{desk}"
    )


def test_a_chat_does_not_repeat_what_the_sentence_names(hook: Hook) -> None:
    said = "SELL 65 NSE:NIFTY26NOV25800CE INTRADAY: filled at 99.95."
    web(hook.url("json")).send(replace(NOTICE, message=said), seconds(60))
    (body,) = hook.bodies
    assert body["message"] == f"{said}\n24 Nov 09:30:00 IST\nrequest r-1"


def test_a_second_notice_through_apprise_does_not_wait(hook: Hook) -> None:
    channels = web(hook.url("json"))
    channels.send(NOTICE, seconds(60))
    with Stopwatch() as took:
        channels.send(NOTICE, seconds(60))
    assert took.seconds < 1


def test_a_silent_service_ends_with_the_deadline(hook: Hook) -> None:
    hook.mood = "silent"
    channels = web(hook.url("json"))
    channels.send(NOTICE, seconds(0.01))  # imports Apprise, which is not timed here
    with Stopwatch() as took:
        assert channels.send(NOTICE, seconds(BOUND)) == ("url",)
    assert took.seconds < BOUND + SLACK


def test_a_service_made_too_late_is_not_asked(hook: Hook) -> None:
    assert AppriseChannel(hook.url("json")).send(NOTICE, seconds(0)) == "no time left"
    assert hook.bodies == []


def test_an_address_apprise_does_not_know_means_it_failed() -> None:
    assert web(Secret(f"nosuch://{HIDDEN}")).send(NOTICE, seconds(60)) == ("url",)


def test_an_address_that_is_none_means_it_failed() -> None:
    assert web(Secret("http://[")).send(NOTICE, seconds(60)) == ("url",)


@pytest.mark.parametrize("full", [True, False], ids=["full name", "id"])
def test_a_topic_gets_the_notice_as_json(topic: Topic, full: bool) -> None:
    name = topic.name if full else "notices"
    channels = Channels(name, Secret(""), topic.project)
    assert channels.send(NOTICE, seconds(60)) == ()
    assert topic.arrived() == [
        (DOCUMENT, {"severity": "CRITICAL", "event": "outcome_unknown"})
    ]


def test_a_missing_topic_means_it_failed(topic: Topic) -> None:
    channels = Channels("nowhere", Secret(""), topic.project)
    assert channels.send(NOTICE, seconds(60)) == ("topic",)


def test_publishing_leaves_no_thread(topic: Topic) -> None:
    channels = Channels("notices", Secret(""), topic.project)
    channels.send(NOTICE, seconds(60))
    before = threading.active_count()
    channels.send(NOTICE, seconds(60))
    assert threading.active_count() <= before


@pytest.mark.parametrize("listening", [True, False], ids=["silent", "refused"])
def test_a_dead_topic_means_it_failed_in_time(
    monkeypatch: pytest.MonkeyPatch, listening: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
        if not listening:
            listener.close()
        channels = Channels("notices", Secret(""), "demo")
        with Stopwatch() as took:
            assert channels.send(NOTICE, seconds(BOUND)) == ("topic",)
        assert took.seconds < BOUND + SLACK


def test_a_topic_that_hangs_does_not_silence_the_url(
    monkeypatch: pytest.MonkeyPatch, hook: Hook
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
        channels = Channels("notices", hook.url(), "demo")
        assert channels.send(NOTICE, seconds(1)) == ("topic",)
    assert hook.bodies == [DOCUMENT]


MAKERS: dict[str, Callable[[Hook, Topic], Notifier]] = {
    "memory": lambda hook, topic: MemoryNotifier(),
    "channels": lambda hook, topic: Channels("notices", hook.url(), topic.project),
}


@pytest.fixture(params=MAKERS)
def both(request: pytest.FixtureRequest, hook: Hook, topic: Topic) -> Notifier:
    """Return each notifier with a topic and an address, both in order."""
    return MAKERS[request.param](hook, topic)


@pytest.mark.parametrize("only", [None, ("topic",), ("url",), ("topic", "url"), ()])
def test_what_is_taken_leaves_nothing_over(
    both: Notifier, only: tuple[str, ...] | None
) -> None:
    assert both.send(NOTICE, seconds(60), only) == ()


@pytest.mark.parametrize(
    ("only", "failed"),
    [
        (None, ("topic", "url")),
        (("url",), ("url",)),
        (("url", "topic"), ("topic", "url")),
        (("pager",), ()),
        ((), ()),
    ],
)
def test_without_time_every_wanted_channel_fails(
    both: Notifier, only: tuple[str, ...] | None, failed: tuple[str, ...]
) -> None:
    assert both.send(NOTICE, seconds(0), only) == failed


def test_a_channel_that_breaks_only_fails(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    odd = replace(NOTICE, message=b"no text")  # type: ignore[arg-type]  # the point
    assert web(hook.url()).send(odd, seconds(60)) == ("url",)
    assert "unforeseen, TypeError" in caplog.text


def test_only_the_named_channel_is_used(hook: Hook, topic: Topic) -> None:
    channels = Channels("notices", hook.url(), topic.project)
    channels.send(NOTICE, seconds(60), ("topic",))
    assert hook.bodies == []


def test_without_a_channel_nothing_fails() -> None:
    assert Channels("", Secret(""), "").send(NOTICE, seconds(1)) == ()


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:1/{HIDDEN}",
        f"http://user:{HIDDEN}@127.0.0.1:1/",
        f"http://[{HIDDEN}",
        f"json://127.0.0.1:1/{HIDDEN}",
        f"nosuch://{HIDDEN}",
        f"tgram://{HIDDEN}",
        HIDDEN,
    ],
)
def test_no_log_line_holds_the_address(
    caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level(logging.DEBUG)
    assert web(Secret(url)).send(NOTICE, seconds(2)) == ("url",)
    assert HIDDEN not in caplog.text
