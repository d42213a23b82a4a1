"""The client delivers as TradingView is documented to: timeout, resends, same bytes."""

from __future__ import annotations

import pytest
import requests

from local.standins.tradingview import CUT, GONE, LATE, Trigger, play


class Server:
    """Answers by a script: a status, `hang` or `die`."""

    def __init__(self, *script: int | str) -> None:
        self.script = list(script)
        self.bodies: list[bytes] = []
        self.waited: list[float] = []

    def post(self, body: bytes, request_id: str, timeout: float) -> requests.Response:
        self.bodies.append(body)
        assert timeout == 3.0
        step = self.script.pop(0)
        if step == "hang":
            raise requests.ReadTimeout
        if step == "die":
            raise requests.ConnectionError
        reply = requests.Response()
        reply.status_code = int(step)
        reply._content = b'{"code": "x"}'
        return reply

    def fire(self, on_death: str = CUT) -> list[str]:
        trigger = Trigger(self.post, b"alert", "t", on_death)
        play([trigger], self.waited.append)
        return [delivery.reply for delivery in trigger.made]


@pytest.mark.parametrize("final", [200, 202, 400, 409, 410, 422, 424])
def test_anything_but_a_5xx_ends_it(final: int) -> None:
    assert Server(final).fire() == [str(final)]


def test_a_5xx_is_resent_three_times_at_most() -> None:
    server = Server(500, 503, 502, 504)
    assert server.fire() == ["500", "503", "502", "504"]
    assert server.bodies == [b"alert"] * 4


def test_resends_are_five_seconds_apart() -> None:
    server = Server(503, 503, 503, 200)
    server.fire()
    assert server.waited == pytest.approx([5, 5, 5], abs=0.2)


def test_a_resend_that_goes_through_is_the_last() -> None:
    assert Server(503, 200).fire() == ["503", "200"]


def test_a_timeout_is_not_resent() -> None:
    assert Server(503, "hang").fire() == ["503", LATE]


def test_the_platform_answers_for_a_dead_instance_and_it_is_resent() -> None:
    assert Server("die", 200).fire(CUT) == [CUT, "200"]


def test_where_nobody_answers_for_it_nothing_is_resent() -> None:
    assert Server("die").fire(GONE) == [GONE]


def test_every_delivery_has_a_request_id_of_its_own() -> None:
    server = Server(503, 200)
    trigger = Trigger(server.post, b"alert", "t")
    play([trigger], server.waited.append)
    assert [delivery.request_id for delivery in trigger.made] == ["t.1", "t.2"]


def test_alerts_that_fire_together_are_resent_by_themselves() -> None:
    first, second = Server(503, 200), Server(200)
    triggers = [Trigger(each.post, b"alert", "t") for each in (first, second)]
    play(triggers, first.waited.append)
    assert [len(trigger.made) for trigger in triggers] == [2, 1]
