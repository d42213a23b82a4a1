"""What the one image runs: the function that FUNCTION_TARGET names, and no other.

All functions are built once. functions_framework asks this module for its target by
name, and only that function's own main is loaded: none pays for or falls with another.
"""

from collections.abc import Callable
from importlib import import_module

Function = Callable[..., object]


def __getattr__(name: str) -> Function:
    """Return the function of that name; raise `AttributeError` if there is none."""
    try:
        module = import_module(f"functions.{name}.main")
    except ModuleNotFoundError as error:
        if error.name not in (f"functions.{name}", f"functions.{name}.main"):
            raise
        raise AttributeError(name) from None
    found: Function = getattr(module, name)
    return found
