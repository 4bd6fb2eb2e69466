"""Routes that are made when a request asks for one of them.

A function that starts for a request about an object makes the routes of objects alone. The others, with
their schemas, would take a tenth of the start. Only where a request waits for the start: see `create_app`.
"""

from collections.abc import Callable

from starlette.routing import BaseRoute, Match
from starlette.types import Scope


class LaterRoutes(BaseRoute):
    """The last route of an app. It adds the others behind itself when a path matches none before it."""

    def __init__(self, add: Callable[[], None]) -> None:
        self._add: Callable[[], None] | None = add

    def matches(self, _scope: Scope) -> tuple[Match, Scope]:
        """Match nothing. Whoever asks one route of the app after another comes to the new ones next."""
        self.add()
        return Match.NONE, {}

    def add(self) -> None:
        """Add the routes, unless it has been done."""
        add, self._add = self._add, None
        if add is not None:
            add()
