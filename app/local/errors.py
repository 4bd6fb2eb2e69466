"""What may go wrong in the local runtime without being a mistake of its own."""

import logging

from botocore.exceptions import BotoCoreError, ClientError

AWS_FAULTS = (BotoCoreError, ClientError)

logger = logging.getLogger("wharf.local")


class CannotStart(Exception):
    """Expected, and said in one line: a taken port, a refused template, a missing setting."""


def log_fault(event: str, fault: Exception) -> None:
    """One line when AWS is away; everything else is a bug and shows where it is."""
    is_expected = isinstance(fault, AWS_FAULTS)
    logger.warning(event, extra={"reason": str(fault)}, exc_info=None if is_expected else fault)
