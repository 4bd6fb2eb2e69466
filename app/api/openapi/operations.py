"""What each operation needs, answers and refuses: the part of the contract that signatures do not tell.

One row per operation id. A code stands for its problem, hence for its status;
`app.api.openapi.document` makes answers of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.api.openapi import examples
from app.api.schemas.bodies import MERGE_PATCH

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Success:
    """`headers` are names in openapi.HEADERS, besides openapi.EVERYWHERE. `examples` by name."""

    description: str
    headers: tuple[str, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`requests` are example bodies by media type and name; `leads_to` are operations on what is answered."""

    answers: Mapping[int, Success]
    codes: tuple[str, ...] = ()
    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    leads_to: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    is_open: bool = False


CALLER = ("unauthenticated", "unavailable")
ONE = (*CALLER, "not_found")
CHANGE = (*ONE, "concurrent_change")
READ = ("forbidden", "invalid_input")
"""By the parameter `owner`."""
JSON_ANSWER = ("not_acceptable",)
JSON_BODY = ("malformed_json", "body_too_large", "unsupported_media_type", "invalid_input", *JSON_ANSWER)
NEW_PAYLOAD = ("no_payload_allowed", "wrong_state")
CURSOR = ("invalid_cursor", "invalid_input", *JSON_ANSWER)

DOWNLOAD = {
    200: Success("The URL, with `Accept: application/json`", (), {"link": examples.LINK}),
    307: Success("To a URL that is valid for a short time", ("Location",)),
}
THIS_OBJECT = {"object_id": "$response.body#/id"}
FIRST_ARTIFACT = THIS_OBJECT | {"name": "$response.body#/result/artifacts/0/name"}
ON_AN_OBJECT = dict.fromkeys(
    (
        "readObject",
        "updateObject",
        "deleteObject",
        "requestUpload",
        "putPayload",
        "reprocessObject",
        "readHistory",
    ),
    THIS_OBJECT,
)

OPERATIONS: dict[str, Operation] = {
    "createObject": Operation(
        requests={JSON: examples.CREATE},
        answers={
            201: Success(
                "Created; or, with `Idempotency-Replayed`, created before",
                ("Location", "ETag", "Idempotency-Replayed"),
                examples.CREATED,
            )
        },
        codes=(
            *CALLER,
            *JSON_BODY,
            "invalid_idempotency_key",
            "idempotency_key_reused",
            "object_deleted",
            "quota_exceeded",
        ),
        leads_to=ON_AN_OBJECT,
    ),
    "listObjects": Operation(
        answers={200: Success("A page of summaries", (), {"page": examples.PAGE})},
        codes=(*CALLER, *READ, *CURSOR),
    ),
    "readObject": Operation(
        answers={
            200: Success(
                "The object",
                ("ETag",),
                {"record": examples.RECORD, "dataset": examples.DATASET, "rejected": examples.REJECTED},
            ),
            304: Success("You have this version", ("ETag",)),
        },
        codes=(*ONE, *READ, *JSON_ANSWER, "invalid_precondition"),
        leads_to={"downloadArtifact": FIRST_ARTIFACT},
    ),
    "updateObject": Operation(
        requests={MERGE_PATCH: examples.PATCH, JSON: examples.PATCH},
        answers={200: Success("The object as it is now", ("ETag",), {"record": examples.RECORD})},
        codes=(*CHANGE, *JSON_BODY, "invalid_precondition", "version_mismatch"),
    ),
    "deleteObject": Operation(
        answers={204: Success("Deleted, now or before")},
        codes=(*CHANGE, "invalid_precondition", "version_mismatch"),
    ),
    "reprocessObject": Operation(
        answers={202: Success("Queued again", ("ETag",), {"dataset": examples.REPEATED})},
        codes=(*CHANGE, *JSON_ANSWER, *NEW_PAYLOAD),
    ),
    "requestUpload": Operation(
        requests={JSON: examples.UPLOAD},
        answers={
            201: Success(
                "Where to upload the new revision", ("ETag",), {"upload": examples.CREATED["upload"]}
            )
        },
        codes=(*CHANGE, *JSON_BODY, *NEW_PAYLOAD, "quota_exceeded"),
    ),
    "putPayload": Operation(
        requests={"*/*": examples.PAYLOAD},
        answers={202: Success("Stored, and queued", ("ETag",), {"dataset": examples.REPEATED})},
        codes=(
            *CHANGE,
            *JSON_ANSWER,
            *NEW_PAYLOAD,
            "invalid_input",
            "invalid_media_type",
            "body_too_large",
            "quota_exceeded",
        ),
        leads_to={"downloadPayload": THIS_OBJECT},
    ),
    "downloadPayload": Operation(answers=DOWNLOAD, codes=(*ONE, *READ, "payload_not_ready")),
    "downloadArtifact": Operation(answers=DOWNLOAD, codes=(*ONE, *READ)),
    "readHistory": Operation(
        answers={200: Success("A page of events", (), {"page": examples.HISTORY})},
        codes=(*ONE, *READ, *CURSOR),
    ),
    "listKinds": Operation(
        answers={200: Success("All kinds", (), {"kinds": examples.KIND_LIST})},
        codes=("unauthenticated", *JSON_ANSWER),
    ),
    "readUsage": Operation(
        answers={200: Success("What your objects take", (), {"usage": examples.USAGE})},
        codes=(*CALLER, *READ, *JSON_ANSWER),
    ),
    "checkHealth": Operation(
        answers={200: Success("Alive", (), {"alive": examples.HEALTHY})},
        codes=JSON_ANSWER,
        is_open=True,
    ),
    "checkReadiness": Operation(
        answers={200: Success("Ready", (), {"ready": examples.HEALTHY})},
        codes=(*CALLER, *JSON_ANSWER),
    ),
    "readProblem": Operation(
        answers={200: Success("The page")},
        codes=("not_found",),
        is_open=True,
    ),
}
