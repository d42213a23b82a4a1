"""The least a function can be: what the others' start is compared with."""

import functions_framework


@functions_framework.http
def hello(request: object) -> str:
    """Answer."""
    return "hello"
