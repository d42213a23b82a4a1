"""One tree of errors: all of ours are in it, and its drawing shows each of them."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import shared
from shared import errors


def _ours() -> Iterator[type[BaseException]]:
    for found in pkgutil.walk_packages(shared.__path__, "shared."):
        module = importlib.import_module(found.name)
        for _, made in inspect.getmembers(module, inspect.isclass):
            if issubclass(made, BaseException) and made.__module__ == found.name:
                yield made


def test_every_error_of_ours_is_under_one_root() -> None:
    outside = {made for made in _ours() if not issubclass(made, errors.Expected)}
    assert outside == set()


def test_the_drawing_shows_every_error_under_its_parent() -> None:
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    assert errors.__doc__
    for line in errors.__doc__.splitlines():
        if not (found := re.match(r"([\s│├└─]*)([A-Z]\w+)(?:\s{2,}|$)", line)):
            continue
        depth, name = len(found[1]), found[2]
        while path and path[-1][0] >= depth:
            path.pop()
        drawn[name] = path[-1][1] if path else "Expected"
        path.append((depth, name))
    ours = {made for made in _ours() if not made.__name__.startswith("_")}
    real = {made.__name__: made.__bases__[0].__name__ for made in ours}
    del real["Expected"]
    assert drawn == real
