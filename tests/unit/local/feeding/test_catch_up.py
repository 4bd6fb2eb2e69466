"""Changes that the emulator's stream lost over a restart are handed to the relay at the next start."""

from app.local.feeding.catch_up import lost_record
from app.storage.items import to_item
from tests.conftest import Aws, make_object
from tests.services import relaying_on
from tests.unit.services.conftest import keys_in_bucket

STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/objects/stream/2026-03-01T00:00:00.000"


def test_an_item_that_cannot_be_read_is_set_aside_by_the_relay(aws: Aws) -> None:
    item = {**to_item(make_object()), "status": {"S": "lost"}}

    record = lost_record(item, [{"version": 1}], STREAM)

    assert relaying_on(aws).relay([record]) is None
    assert len(keys_in_bucket(aws)) == 1
