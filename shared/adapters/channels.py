"""The owner's channels behind the Notifier port: `topic` and `url`, each optional."""

from __future__ import annotations

import logging
from typing import Protocol

from shared.models import Deadline, Notice, Secret

_log = logging.getLogger(__name__)


class Channel(Protocol):
    """One way to the owner."""

    def send(self, notice: Notice, deadline: Deadline) -> str | None:
        """Return None when the notice was taken, else why not, without secrets."""

    def warm(self) -> None:
        """Import and make what the first notice needs, without sending."""


class Channels:
    """A Notifier over what is configured; a channel is made by its first notice.

    They are tried one after another, each with its share of what is left, so that one
    that hangs does not silence the other.
    """

    def __init__(self, topic: str, url: Secret, project: str, link: str = "") -> None:
        """Take the topic, the address and the desk's address for each notice."""
        self._link = link
        self._topic = topic
        self._url = url
        self._project = project
        self._made: dict[str, Channel] = {}

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Send to each channel; return the names that failed. Raises nothing."""
        wanted = [name for name in self._names() if only is None or name in only]
        failed = []
        for place, name in enumerate(wanted):
            share = deadline.within(deadline.left() / (len(wanted) - place))
            reason = self._try(name, notice, share)
            if reason is not None:
                _log.warning("channel %s did not take a notice: %s", name, reason)
                failed.append(name)
        return tuple(failed)

    def warm(self) -> None:
        """Make each channel, which imports what it needs; raises nothing."""
        for name in self._names():
            try:
                self._channel(name).warm()
            except Exception as error:
                _log.warning("channel %s: %s", name, type(error).__name__)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what is configured."""
        return tuple(self._names())

    def _names(self) -> list[str]:
        configured = {"topic": self._topic, "url": self._url}
        return [name for name, value in configured.items() if value]

    def _try(self, name: str, notice: Notice, deadline: Deadline) -> str | None:
        if not deadline.left():
            return "no time left"
        try:
            return self._channel(name).send(notice, deadline)
        except Exception as error:
            # Whatever a channel does wrong, the order it reports stands. The text is
            # left out: it may hold the address.
            return f"failed unforeseen, {type(error).__name__}"

    def _channel(self, name: str) -> Channel:
        # Two first notices may each make one; the later stays and no harm is done.
        if name not in self._made:
            self._made[name] = self._topic_channel() if name == "topic" else self._web()
        return self._made[name]

    def _topic_channel(self) -> Channel:
        from shared.adapters.pubsub import TopicChannel

        return TopicChannel(self._topic, self._project, self._link)

    def _web(self) -> Channel:
        from shared.adapters.apprise import AppriseChannel, WebChannel

        scheme = self._url.open().partition("://")[0].lower()
        kind = WebChannel if scheme in ("http", "https") else AppriseChannel
        return kind(self._url, self._link)
