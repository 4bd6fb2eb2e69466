"""Frees the leases of a run that is gone, which nobody else would give back.

The data folder is locked, so the workers that held them ended with their process. On
Lambda, where this cannot be known, the sweep waits until a lease has lapsed.
"""

import logging
from datetime import datetime, timedelta

from app.domain.errors import NotFound, StaleWrite
from app.domain.objects.values import Status
from app.storage.items import UnreadableItem
from app.storage.objects import ObjectRepository

logger = logging.getLogger("wharf.local")

#: A run may have had a longer lease than this one.
LONGEST_LEASE = timedelta(minutes=15)


def free_leases(objects: ObjectRepository, now: datetime) -> None:
    """Make every claimed object overdue, so that the next sweep queues it again."""
    freed = 0
    for due in objects.overdue(now + LONGEST_LEASE):
        try:
            stored = objects.get(due.owner, due.object_id)
            if stored.status is Status.PROCESSING and stored.lease_is_held(now):
                objects.save(stored.free(now=now), read=stored)
                freed += 1
        except (NotFound, StaleWrite, UnreadableItem):
            # Another writer was faster, or the sweep will say what is wrong with it.
            continue
    if freed:
        logger.info("leases.freed", extra={"objects": freed})
