"""What Schemathesis cannot know from the document. Loaded by tests/system/schemathesis.toml."""

import os
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.generation import GenerationMode

READY_OBJECT = "READY_OBJECT"
"""Names the environment variable: `owner/id` of an object whose payload is ready."""
ARTIFACT = "data.parquet"
STAND_IN = "0"
"""What Schemathesis 4.32 sends, as valid, for a conditional header whose schema has a pattern."""


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    # A redirect is the answer that is documented; S3 is not under test.
    kwargs["allow_redirects"] = False
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        _read_what_is_its_own(case)
        _use_key_for_one_body(case)
        _send_entity_tags(case)
        _download_what_is_there(case)


def _read_what_is_its_own(case: Case[Any]) -> None:
    """Another owner's things would be refused, whatever else is asked: it is no admin."""
    case.query.pop("owner", None)


def _use_key_for_one_body(case: Case[Any]) -> None:
    """So that a repeated body is a replay, and no key comes with another body."""
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid5(NAMESPACE_OID, repr(case.body)))


def _send_entity_tags(case: Case[Any]) -> None:
    for name in ("If-Match", "If-None-Match"):
        if case.headers.get(name) == STAND_IN:
            case.headers[name] = '"1"'


def _download_what_is_there(case: Case[Any]) -> None:
    """Chance would never find an object that is ready."""
    owner, _, object_id = os.environ.get(READY_OBJECT, "").partition("/")
    if object_id and case.operation.definition.raw["operationId"].startswith("download"):
        case.headers["X-Owner"] = owner
        case.path_parameters |= {"object_id": object_id}
        if "name" in case.path_parameters:
            case.path_parameters["name"] = ARTIFACT
