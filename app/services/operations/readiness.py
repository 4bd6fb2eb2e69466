"""Check that the service can do its work now: its table and its bucket answer."""

from collections.abc import Callable, Mapping
from typing import Any

from app.domain.errors import Unavailable
from app.observability import logger
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore

#: A check raises Unavailable if something that the service needs does not answer.
Check = Callable[[], Any]


class Readiness:
    def __init__(self, objects: ObjectRepository, payloads: PayloadStore) -> None:
        self._checks: dict[str, Check] = {
            "table": objects.check,
            "bucket": payloads.check,
        }

    def add(self, checks: Mapping[str, Check]) -> None:
        """Check something else too, by its name."""
        self._checks.update(checks)

    def check(self) -> dict[str, bool]:
        """Return for each dependency whether it answers."""
        return {name: _answers(name, check) for name, check in self._checks.items()}


def _answers(name: str, check: Check) -> bool:
    try:
        check()
    except Unavailable as fault:
        logger.warning("dependency.away", dependency=name, error=str(fault))
        return False
    return True
