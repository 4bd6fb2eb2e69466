"""Why the local runtime may refuse to start."""


class CannotStart(Exception):
    """Expected, and said in one line: a taken port, a refused template, a missing setting."""
