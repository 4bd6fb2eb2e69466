"""The fork server's first message, which tells the locks of its children."""

import logging
from dataclasses import dataclass
from typing import Any, Self

from app.observability import measure
from app.observability.metrics import WEAKER_SANDBOXES
from app.sandbox.locks.optional import LANDLOCK
from app.sandbox.locks.self_check import Findings

logger = logging.getLogger("wharf.sandbox")


@dataclass(frozen=True, slots=True)
class Greeting:
    #: The steps that the kernel refused.
    refused: tuple[str, ...]
    findings: Findings

    @classmethod
    def decode(cls, message: dict[str, Any]) -> Self:
        return cls(tuple(map(str, message["refused"])), Findings.decode(message["self_check"]))

    @property
    def has_landlock(self) -> bool:
        return self.findings.locks.landlock and LANDLOCK not in self.refused

    def log(self) -> None:
        """Say what is weaker than it could be; the self-check's findings raise an alarm."""
        findings = self.findings
        if self.refused:
            logger.warning("sandbox.weakened", extra={"refused_by_kernel": list(self.refused)})
        if findings.broken:
            logger.error("sandbox.sample_failed", extra={"samples": findings.broken})
        if findings.stopped:
            measure(
                "sandbox.lock_left_out",
                WEAKER_SANDBOXES(1),
                level=logging.ERROR,
                calls=findings.calls,
                samples=findings.stopped,
                allow_list=findings.locks.allow_list,
                landlock=findings.locks.landlock,
            )
