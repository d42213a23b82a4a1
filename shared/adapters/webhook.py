"""The desk's alerts, over HTTP to the webhook: as TradingView would, with a key."""

from __future__ import annotations

import json
from collections.abc import Mapping

import requests

from shared.adapters.deadline_http import session, until
from shared.desk import Fields, Heard
from shared.errors import Unavailable
from shared.models import Deadline, Secret


class WebhookSender:
    """Delivers alerts to one address with the webhook's secret in them."""

    def __init__(self, url: str, secret: Secret) -> None:
        self._url = url
        self._secret = secret
        self._session = session()

    def send(self, alert: Fields, key: str, deadline: Deadline) -> Heard:
        """Post the alert; see the port."""
        if not self._url:
            raise Unavailable("WEBHOOK_URL is not set, so nothing was sent")
        body = json.dumps({"token": self._secret.open(), **alert})
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Idempotency-Key": key,
        }
        try:
            with until(deadline):
                reply = self._session.post(
                    self._url, data=body.encode(), headers=headers
                )
            content = reply.json()
        except (requests.RequestException, ValueError):
            raise Unavailable(
                "the webhook gave no answer, so the order may have gone out all the "
                "same; look at the alerts of today before you tap again"
            ) from None
        if not isinstance(content, dict):
            raise Unavailable("the webhook gave no readable answer")
        return Heard(reply.status_code, _words(content), _orders(content))


def _words(content: Mapping[str, object]) -> str:
    said = str(content.get("message") or content.get("error") or "")
    if "order_id" in content:
        order = " ".join(
            str(content.get(name, "")) for name in ("action", "qty", "symbol")
        )
        return f"{order}: {said}. FYERS calls it {content['order_id']}."
    return said


def _orders(content: Mapping[str, object]) -> tuple[str, ...]:
    orders = content.get("orders")
    if not isinstance(orders, list):
        return ()
    return tuple(_words(one) for one in orders if isinstance(one, dict))
