"""Merge the rights deploy.sh wants into a resource's policy as Google gave it.

    python -m local.deploying.rights POLICY WISHES RESULT

POLICY is the JSON that was read, with its etag, so that somebody else's change in
between is refused by Google and not lost. WISHES has a line for each right, separated
by tabs: `+` or `-`, role, member and, under a condition, its title and expression.
RESULT is written only if something changes. Bindings of others are left as they are.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONDITIONS = 3
"""The version of a policy that may hold conditions."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One right to give or to take back."""

    give: bool
    role: str
    member: str
    title: str = ""
    expression: str = ""

    @classmethod
    def read(cls, line: str) -> Wish:
        """Return the wish of a line."""
        sign, role, member, *condition = line.split("\t")
        return cls(sign == "+", role, member, *condition[:2])

    def about(self, binding: dict[str, Any]) -> bool:
        """Return whether it is about that binding."""
        title = binding.get("condition", {}).get("title", "")
        return bool(binding["role"] == self.role and title == self.title)


def merge(policy: dict[str, Any], wishes: list[Wish]) -> dict[str, Any]:
    """Return the policy with the wishes in it."""
    bindings = [
        {**one, "members": list(one["members"])} for one in policy.get("bindings", [])
    ]
    for wish in wishes:
        about = [one for one in bindings if wish.about(one)]
        held = [one for one in about if wish.member in one["members"]]
        if not wish.give:
            for one in held:
                one["members"].remove(wish.member)
        elif not held and about:
            about[0]["members"].append(wish.member)
        elif not held:
            bindings.append(_binding(wish))
    kept = [one for one in bindings if one["members"]]
    merged = {**policy, "bindings": kept}
    if any("condition" in one for one in kept):
        merged["version"] = CONDITIONS
    return merged


def _binding(wish: Wish) -> dict[str, Any]:
    made: dict[str, Any] = {"role": wish.role, "members": [wish.member]}
    if wish.title:
        made["condition"] = {"title": wish.title, "expression": wish.expression}
    return made


def main(policy: Path, wishes: Path, result: Path) -> None:
    """Write RESULT if the policy changes."""
    before = json.loads(policy.read_text() or "{}")
    lines = wishes.read_text().splitlines()
    after = merge(before, [Wish.read(line) for line in lines])
    if after["bindings"] != before.get("bindings", []):
        result.write_text(json.dumps(after))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
