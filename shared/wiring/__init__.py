"""The composition root: what each function does, made of concrete parts.

One module for each function, `process` for what the process has (the only code that
reads the clock and the environment), `backends` for Google's stores or the local ones
and `parts` for what several functions share. Nothing happens on import; what a function
needs is built by its first request.
"""
