"""Run inside gcloud's own Python: parse commands with gcloud's own parser.

    python3 parse_commands.py SDK_ROOT < [["run", "deploy", ...], ...]

prints a list of what was wrong with each, "" for nothing. One process for all of them,
since starting gcloud takes most of a second. Nothing is executed.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any


def parse(cli: Any, arguments: list[str]) -> str:
    """Return why gcloud refuses a command, or nothing."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            # What CLI.Execute does before it runs the command.
            args = cli._CLI__parser.parse_args(arguments)
            if args.CONCEPT_ARGS is not None:
                args.CONCEPT_ARGS.ParseConcepts()
    except SystemExit:
        return said.getvalue() or "gcloud gave up"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main(root: str) -> None:
    """Read commands from standard input, print the answers."""
    sys.path[:0] = [f"{root}/lib", f"{root}/lib/third_party"]
    # Only gcloud's own interpreter finds it.
    from googlecloudsdk import gcloud_main  # type: ignore[import-not-found]

    cli = gcloud_main.CreateCLI([])
    answers = [parse(cli, arguments) for arguments in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
