"""The events that AWS hands to the edges, and what a test changes in them.

Each event stands in a file of this folder, as AWS documents it.

    api_iam, api_cognito, api_key     a request, as API Gateway vouches for its caller
    s3_notice                         S3's notice of a new payload, as it comes into the arrival queue
    s3_test                           what S3 sends to a queue to try it
    object_created                    a payload that the sweep queues again
    domain_event                      a change, as EventBridge shows it to a subscriber
    sweep                             what the stack's own rule puts into the queue
    queue_batch, stream_batch         what Lambda hands to the worker and to the relay
"""

import json
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from app.domain.events import ObjectEvent
from app.domain.objects.stored import StoredObject
from app.storage.items import object_key, to_item

Json = dict[str, Any]

FOLDER = Path(__file__).parent
sequence_numbers = count(1)


def load(name: str) -> Json:
    """Return the event of that name; each time a new one, which the test may change."""
    event: Json = json.loads((FOLDER / f"{name}.json").read_text())
    return event


def object_created(key: str, size: int = 12) -> str:
    """Return the message about a payload that arrived.

    See "EventBridge event message structure" in the S3 User Guide.
    """
    event = load("object_created")
    event["detail"]["object"] |= {"key": key, "size": size}
    return json.dumps(event)


def s3_notice(key: str, size: int = 12) -> str:
    """Return the notice of a new payload; see "Event message structure" in the S3 User Guide."""
    event = load("s3_notice")
    event["Records"][0]["s3"]["object"] |= {"key": quote_plus(key, safe="/"), "size": size}
    return json.dumps(event)


def domain_event(event: ObjectEvent) -> str:
    """Return the message about a change; see "AWS events" in the EventBridge User Guide."""
    told = {"detail-type": event.type.value, "detail": event.as_cloud_event()}
    return json.dumps(load("domain_event") | told)


def queue_batch(received: Iterable[Mapping[str, Any]]) -> Json:
    """Return the messages as Lambda hands them over. They are what SQS returned, or `Body` alone."""
    [record] = load("queue_batch")["Records"]
    names = {
        "messageId": "MessageId",
        "receiptHandle": "ReceiptHandle",
        "body": "Body",
        "attributes": "Attributes",
        "md5OfBody": "MD5OfBody",
    }
    return {
        "Records": [
            record | {name: message[given] for name, given in names.items() if given in message}
            for message in received
        ]
    }


def stream_record(
    before: StoredObject | None, changed: StoredObject, *, sequence_number: str | None = None
) -> Json:
    """Return the record of one change, with both images in DynamoDB's JSON."""
    record: Json = load("stream_batch")["Records"][0]
    change = {
        "ApproximateCreationDateTime": changed.updated_at.timestamp(),
        "Keys": object_key(changed.owner, changed.id),
        "NewImage": to_item(changed),
        "SequenceNumber": sequence_number or str(next(sequence_numbers)),
    }
    record["dynamodb"] |= change
    if before is not None:
        record["eventName"] = "MODIFY"
        record["dynamodb"]["OldImage"] = to_item(before)
    return record
