"""Counts each call to AWS for the unit of work that makes it."""

from app.observability import current_work, logger


def count_call(call: str, *, seconds: float, retries: int, status: int | None) -> None:
    """Log a call and add it to the current unit of work.

    `call` is service and operation, such as "dynamodb.GetItem". `status` is the HTTP status of its last
    answer, None if there was no answer.
    """
    logger.debug("aws.called", call=call, seconds=round(seconds, 4), retries=retries, status=status)
    work = current_work.get()
    if work is not None:
        work.aws_calls += 1
        work.aws_retries += retries
        work.aws_seconds += seconds
