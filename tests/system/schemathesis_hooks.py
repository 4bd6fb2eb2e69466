"""Tell Schemathesis what it cannot know from the document. tests/system/schemathesis.toml loads this."""

import os
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.generation import GenerationMode

#: Environment variable with `owner/id` of an object whose payload is ready.
READY_OBJECT = "READY_OBJECT"
ARTIFACT = "data.parquet"
#: Schemathesis 4.32 sends this as valid for a conditional header, although it does not match the pattern.
STAND_IN = "0"


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    # The document describes the redirect; the answer of S3 behind it is not under test.
    kwargs["allow_redirects"] = False
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        _read_what_is_its_own(case)
        _use_key_for_one_body(case)
        _send_entity_tags(case)
        _download_what_is_there(case)


def _read_what_is_its_own(case: Case[Any]) -> None:
    """Remove the `owner` parameter: only admins may read other owners' objects, so it is always refused."""
    case.query.pop("owner", None)


def _use_key_for_one_body(case: Case[Any]) -> None:
    """Derive the idempotency key from the body, because a key used with two bodies is refused."""
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid5(NAMESPACE_OID, repr(case.body)))


def _send_entity_tags(case: Case[Any]) -> None:
    for name in ("If-Match", "If-None-Match"):
        if case.headers.get(name) == STAND_IN:
            case.headers[name] = '"1"'


def _download_what_is_there(case: Case[Any]) -> None:
    """Download from the ready object, whose id random data would never hit."""
    owner, _, object_id = os.environ.get(READY_OBJECT, "").partition("/")
    if object_id and case.operation.definition.raw["operationId"].startswith("download"):
        case.headers["X-Owner"] = owner
        case.path_parameters |= {"object_id": object_id}
        if "name" in case.path_parameters:
            case.path_parameters["name"] = ARTIFACT
