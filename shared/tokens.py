"""The FYERS token: where it is kept and how an instance comes by a good one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shared.models import Deadline, Token


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token and the generation a conditional write must name."""

    token: Token
    generation: int


class TokenStore(Protocol):
    """Where the one token lives (GCS object or file).

    `Doubtful` is raised when the store gives no usable answer, a document that is not a
    token included.
    """

    def read(self, deadline: Deadline) -> StoredToken | None:
        """Return the stored token, or None where there is none."""

    def write(self, token: Token, generation: int, deadline: Deadline) -> int:
        """Replace that generation (0: there must be none); return the new one.

        Raises `Conflict` if another generation is there, `Doubtful` without an answer.
        """
