"""Notices to a Pub/Sub topic, one bounded call each.

The client's own `publish` batches in threads that outlive the reply and repeats without
end, so the generated call beneath it is used.
"""

from __future__ import annotations

import json
import threading

import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import PublisherClient as BatchingClient
from google.pubsub_v1 import PublisherClient

from shared.adapters.notice_codec import document
from shared.models import Deadline, Notice

_FAILURES = (exceptions.GoogleAPIError, GoogleAuthError, grpc.RpcError, OSError)


class TopicChannel:
    """A topic, named by its id or in full; the client is made by the first notice."""

    def __init__(self, topic: str, project: str, link: str = "") -> None:
        self._link = link
        self._topic = topic if "/" in topic else f"projects/{project}/topics/{topic}"
        self._lock = threading.Lock()
        self._made: PublisherClient | None = None

    def warm(self) -> None:
        """Make the client."""
        self._client()

    def send(self, notice: Notice, deadline: Deadline) -> str | None:
        """Publish one message; return None when it is taken, else why not."""
        data = json.dumps(document(notice, self._link)).encode()
        attributes = {"severity": notice.severity.value, "event": notice.event}
        message = {"data": data, "attributes": attributes}
        try:
            PublisherClient.publish(
                self._client(),
                request={"topic": self._topic, "messages": [message]},
                retry=None,
                timeout=deadline.left(),
            )
        except _FAILURES as error:
            return f"{type(error).__name__}: {error}"
        return None

    def _client(self) -> PublisherClient:
        with self._lock:
            if self._made is None:
                # This subclass knows PUBSUB_EMULATOR_HOST.
                self._made = BatchingClient()
            return self._made
