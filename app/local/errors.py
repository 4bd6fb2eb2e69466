"""The faults that the local runtime expects: AWS is away, or it cannot start."""

import logging

from botocore.exceptions import BotoCoreError, ClientError

AWS_FAULTS = (BotoCoreError, ClientError)

logger = logging.getLogger("wharf.local")


class CannotStart(Exception):
    """An expected fault, told in one line: a taken port, a refused template, an invalid setting."""


def log_fault(event: str, fault: Exception) -> None:
    """Log one line if AWS is away; any other fault is a bug, and its trace is logged."""
    is_expected = isinstance(fault, AWS_FAULTS)
    logger.warning(event, extra={"reason": str(fault)}, exc_info=None if is_expected else fault)
