"""Put the parts of an upload together: the worker does, because S3 may take minutes.

Whatever S3 answers, a HEAD of the payload decides. If it is there, S3 has announced it, and
it is processed like any other payload. If not, S3 no longer has all the parts, and the
client may upload them again.
"""

from contextlib import suppress

from app.domain.errors import StaleWrite, Unavailable
from app.domain.objects.values import PayloadKey
from app.messaging.messages import Outcome
from app.observability import bind, logger
from app.services.objects.uploads import upload_deadline
from app.services.reporting import of_object
from app.storage.objects import ObjectRepository
from app.storage.parts import PartsStore
from app.storage.payloads import PayloadStore

WRITE_TRIES = 5


class Completing:
    def __init__(self, objects: ObjectRepository, payloads: PayloadStore, parts: PartsStore) -> None:
        self._objects = objects
        self._payloads = payloads
        self._parts = parts

    def complete(self, key: PayloadKey) -> Outcome:
        """Put the upload together that the object still waits for. To do it again changes nothing.

        Raises NotFound for an unknown object, and Unavailable when the message must come back.
        """
        for _ in range(WRITE_TRIES):
            stored = self._objects.get(key.owner, key.object_id)
            bind(**of_object(stored), **stored.work_cause.fields)
            newest, begun = stored.newest, stored.parts_upload
            if newest is None or newest.number != key.revision or begun is None or not stored.is_completing:
                return Outcome.ACKNOWLEDGED
            plan, listed = newest.plan, self._parts.list(key, begun.id)
            if plan is not None and listed is not None and not plan.missing(listed):
                self._parts.complete(key, begun.id, plan.right(listed))
            if self._payloads.exists(key):
                return Outcome.COMPLETED
            with suppress(StaleWrite):
                self._objects.save(stored.take_parts_again(deadline=upload_deadline(newest)), read=stored)
                logger.warning("parts.lost")
                return Outcome.ACKNOWLEDGED
        raise Unavailable("The object is being changed too often to be completed.")
