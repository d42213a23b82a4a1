"""Notices to NOTIFICATION_URL: JSON to http(s), anything else through Apprise.

The address is a credential: it is opened only to connect and no text built here or by
Apprise's own log repeats it. The JSON post ends with the deadline. Apprise's services
open their own connections, with timeouts per socket operation: half of what is left for
connecting and half for the answer keeps all but a dripping one within it.
"""

from __future__ import annotations

import logging

import requests

from shared.adapters.deadline_http import session, until
from shared.adapters.notice_codec import document, text
from shared.models import Deadline, Notice, Secret, Severity

_KINDS = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}


class WebChannel:
    """An address that takes a JSON POST and answers 2xx."""

    def __init__(self, url: Secret, link: str = "") -> None:
        self._url = url
        self._link = link
        self._session = session()

    def warm(self) -> None:
        """Do nothing: the session is made already."""

    def send(self, notice: Notice, deadline: Deadline) -> str | None:
        """Post the notice; return None for a 2xx, else why not."""
        try:
            with until(deadline):
                reply = self._session.post(
                    self._url.open(), json=document(notice, self._link)
                )
        except requests.RequestException as error:
            # Its text holds the address.
            return type(error).__name__
        return (
            None if reply.status_code // 100 == 2 else f"answered {reply.status_code}"
        )


class AppriseChannel:
    """Any other address Apprise knows (mail, chat, SMS)."""

    def __init__(self, url: Secret, link: str = "") -> None:
        self._url = url
        self._link = link

    def warm(self) -> None:
        """Load Apprise and the service's plugin: that takes longer than a reply may."""
        from apprise import Apprise

        Apprise.instantiate(self._url.open())

    def send(self, notice: Notice, deadline: Deadline) -> str | None:
        """Send the notice; return None when the service took it, else why not."""
        from apprise import Apprise  # here: most owners use the JSON post

        logging.getLogger("apprise").disabled = True  # it writes addresses
        # A new one each time: a service waits between two notices of one instance.
        service = Apprise.instantiate(self._url.open())
        if service is None:
            return "NOTIFICATION_URL is not an address Apprise knows"
        # Apprise asks once per target, connecting and waiting for each.
        half = deadline.left() / 2 / max(1, len(service))
        if not half:
            return "no time left"
        service.socket_connect_timeout = service.socket_read_timeout = half
        service.request_rate_per_sec = 0  # else it sleeps 5 s between two targets
        # By Apprise and not by the service: only so every plugin gets the text in its
        # own markup (Telegram's takes it for HTML otherwise).
        sender = Apprise()
        sender.add(service)
        taken = sender.notify(
            title=f"FYERS alerts: {notice.severity.lower()}",
            body=text(notice, self._link),
            body_format="text",  # as written: `<` and `&` are no markup
            notify_type=_KINDS[notice.severity],
        )
        return None if taken else "the service did not take it"
