"""Controls of the worker's own work: its messages, its attempts, the purge; and of what a picture keeps."""

from scripts.checks.mutants.row import Row

BATCH = "app/worker/batch.py"
OF_BATCHES = "tests/edges/test_worker_batch.py::"
PROCESSING = "app/services/background/processing.py"
OF_PROCESSING = "tests/unit/services/background/test_processing.py::"
PURGING = "app/services/background/purging.py"
OF_PURGING = "tests/unit/services/background/test_purging.py::"
EXIF = "tests/unit/processors/test_image_exif.py::"

ROWS = (
    Row(
        "a message that cannot be understood is buried",
        BATCH,
        "            self._bury(record, message, work, refused)\n",
        "            _log(message, work, BURIED, fault=refused)\n",
        (OF_BATCHES + "test_a_message_that_nothing_understands_is_kept_for_the_operator",),
    ),
    Row(
        "a size that is not a number harms no neighbour",
        "app/messaging/messages.py",
        'return Arrival(key, int(incoming["size"]))',
        'return Arrival(key, incoming["size"])',
        (OF_BATCHES + "test_an_event_of_no_known_size_does_not_harm_its_neighbours",),
    ),
    Row(
        "the smallest payload goes first",
        BATCH,
        'sorted(event["Records"], key=lambda record: messages[record["messageId"]].size)',
        'list(event["Records"])',
        (OF_BATCHES + "test_the_smallest_payload_goes_first",),
    ),
    Row(
        "the last failed attempt is the last",
        PROCESSING,
        "if released.attempts < self._max_attempts:",
        "if released.attempts < self._max_attempts + 1:",
        (OF_PROCESSING + "test_the_last_failed_attempt_fails_the_object_and_keeps_its_message",),
    ),
    Row(
        "a deleted object's payloads and artifacts are purged",
        PURGING,
        "            self._payloads.purge(stored.owner, stored.id)\n",
        "",
        (
            OF_PURGING + "test_a_deleted_objects_payloads_artifacts_and_history_are_purged",
            OF_PURGING + "test_a_payload_that_comes_after_the_deletion_goes_with_the_last_purge",
        ),
    ),
    Row(
        "a deleted object's history is purged",
        PURGING,
        "            before_version=stored.version,\n",
        "            before_version=0,\n",
        (OF_PURGING + "test_a_deleted_objects_payloads_artifacts_and_history_are_purged",),
    ),
    Row(
        "the last purge lets the tombstone go",
        PURGING,
        "self._objects.save(stored.purged(now=now), read=stored)",
        "stored.purged(now=now)",
        (OF_PURGING + "test_the_last_purge_lets_the_tombstone_go_weeks_later",),
    ),
    Row(
        "a summary holds listed tags",
        "app/processors/image/exif.py",
        "    return found\n\n\ndef orientation_of",
        "    everything = tags | _directory(image, IFD.GPSInfo)\n"
        "    return found | {str(tag): str(value) for tag, value in everything.items()}\n\n\n"
        "def orientation_of",
        (
            EXIF + "test_where_a_picture_was_taken_is_kept_nowhere",
            EXIF + "test_owners_places_and_serial_numbers_are_kept_nowhere",
        ),
    ),
    Row(
        "an artifact holds pixels",
        "app/processors/image/render.py",
        'exif=b"", xmp=b"", icc_profile=b"")',
        'exif=image.getexif(), xmp=image.info.get("xmp", b""))',
        (
            EXIF + "test_where_a_picture_was_taken_is_kept_nowhere",
            EXIF + "test_artifacts_hold_pixels_and_no_metadata",
        ),
    ),
)
