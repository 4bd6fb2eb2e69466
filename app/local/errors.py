"""The faults that the local runtime expects: AWS is away, or it cannot start."""

import logging

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

#: An answer that cannot be read is a fault of its own in botocore.
AWS_FAULTS = (BotoCoreError, ClientError, ResponseParserError)

logger = logging.getLogger("wharf.local")


class CannotStart(Exception):
    """An expected fault, told in one line: a taken port, a refused template, an invalid setting."""


def one_line(fault: BaseException) -> str:
    """Return what a fault says. Some quote an answer over many lines."""
    return " ".join(str(fault).split())


def log_fault(event: str, fault: Exception) -> None:
    """Log one line if AWS is away; any other fault is a bug, and its trace is logged."""
    is_expected = isinstance(fault, AWS_FAULTS)
    logger.warning(event, extra={"reason": str(fault)}, exc_info=None if is_expected else fault)
