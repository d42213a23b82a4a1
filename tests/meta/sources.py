"""The repository's own files, as git knows them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files(*patterns: str) -> list[Path]:
    """Return the files that are tracked or would be, by git's own patterns."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = sorted({ROOT / name for name in listed.stdout.split("\0") if name})
    return [path for path in found if path.is_file()]


def name(path: Path) -> str:
    """Return a path as test ids show it."""
    return path.relative_to(ROOT).as_posix()
