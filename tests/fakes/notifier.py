"""A notifier that keeps what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.models import Deadline, Notice


@dataclass
class MemoryNotifier:
    """A Notifier with named channels; those in `down` fail."""

    channels: tuple[str, ...] = ("topic", "url")
    down: set[str] = field(default_factory=set)
    sent: list[tuple[str, Notice]] = field(default_factory=list)
    """Channel and notice of everything that was taken."""

    @property
    def notices(self) -> list[Notice]:
        """Return each notice once, in the order it first got through."""
        return list(dict.fromkeys(notice for _, notice in self.sent))

    @property
    def events(self) -> list[str]:
        """Return the events of `notices`."""
        return [notice.event for notice in self.notices]

    def send(
        self, notice: Notice, deadline: Deadline, only: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Keep the notice for each wanted channel; return the names that failed."""
        wanted = [name for name in self.channels if only is None or name in only]
        failed = [name for name in wanted if name in self.down or not deadline.left()]
        self.sent += [(name, notice) for name in wanted if name not in failed]
        return tuple(failed)
