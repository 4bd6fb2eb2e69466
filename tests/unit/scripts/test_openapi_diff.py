"""The changes of the API that break its clients, one function for each change."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from scripts.build.openapi import document
from scripts.checks.openapi_diff import compare, main

Json = dict[str, Any]
BEFORE = document()
OBJECTS, OBJECT = "/v1/objects", "/v1/objects/{object_id}"


def schema(after: Json, name: str) -> Json:
    found: Json = after["components"]["schemas"][name]
    return found


def remove_path(after: Json) -> None:
    del after["paths"][OBJECT]


def remove_operation(after: Json) -> None:
    del after["paths"][OBJECT]["patch"]


def rename_operation(after: Json) -> None:
    after["paths"][OBJECTS]["post"]["operationId"] = "makeObject"


def remove_success_status(after: Json) -> None:
    del after["paths"][OBJECT]["get"]["responses"]["304"]


def remove_answer_media_type(after: Json) -> None:
    after["paths"][OBJECT]["get"]["responses"]["200"]["content"] = {"application/xml": {}}


def remove_answer_header(after: Json) -> None:
    del after["paths"][OBJECT]["get"]["responses"]["200"]["headers"]["ETag"]


def remove_request_media_type(after: Json) -> None:
    del after["paths"][OBJECT]["patch"]["requestBody"]["content"]["application/json"]


def remove_parameter(after: Json) -> None:
    after["paths"][OBJECTS]["get"]["parameters"].pop(0)


def require_a_new_parameter(after: Json) -> None:
    new = {"name": "team", "in": "query", "required": True, "schema": {"type": "string"}}
    after["paths"][OBJECTS]["get"]["parameters"].append(new)


def require_a_parameter(after: Json) -> None:
    after["paths"][OBJECTS]["post"]["parameters"][0]["required"] = True


def lower_the_limit(after: Json) -> None:
    limits = (p for p in after["paths"][OBJECTS]["get"]["parameters"] if p["name"] == "limit")
    next(limits)["schema"]["maximum"] = 50


def remove_an_answered_property(after: Json) -> None:
    del schema(after, "RecordObject")["properties"]["version"]


def answer_a_property_only_at_times(after: Json) -> None:
    schema(after, "RecordObject")["required"].remove("labels")


def answer_null(after: Json) -> None:
    schema(after, "RecordObject")["properties"]["name"] = {"type": ["string", "null"]}


def answer_another_value(after: Json) -> None:
    schema(after, "RecordObject")["properties"]["status"]["enum"].append("archived")


def require_a_new_property(after: Json) -> None:
    create = schema(after, "CreateRecord")
    create["properties"]["team"] = {"type": "string"}
    create["required"].append("team")


def require_a_property(after: Json) -> None:
    schema(after, "CreateRecord")["required"].append("labels")


def shorten_a_name(after: Json) -> None:
    schema(after, "CreateRecord")["properties"]["name"]["maxLength"] = 100


def narrow_a_pattern(after: Json) -> None:
    schema(after, "CreateRecord")["properties"]["name"]["pattern"] = "^[a-z]*$"


def take_no_float(after: Json) -> None:
    schema(after, "UploadPayload")["properties"]["size"] = {"type": "string"}


def refuse_other_properties(after: Json) -> None:
    schema(after, "CreateRecord")["properties"]["attributes"]["additionalProperties"] = False


def remove_a_kind(after: Json) -> None:
    body = after["paths"][OBJECTS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    body["oneOf"].pop()


def ask_for_other_credentials(after: Json) -> None:
    after["components"]["securitySchemes"]["apiKey"]["name"] = "x-key"


def close_an_open_operation(after: Json) -> None:
    del after["paths"]["/healthz"]["get"]["security"]


BREAKING = [
    remove_path,
    remove_operation,
    rename_operation,
    remove_success_status,
    remove_answer_media_type,
    remove_answer_header,
    remove_request_media_type,
    remove_parameter,
    require_a_new_parameter,
    require_a_parameter,
    lower_the_limit,
    remove_an_answered_property,
    answer_a_property_only_at_times,
    answer_null,
    answer_another_value,
    require_a_new_property,
    require_a_property,
    shorten_a_name,
    narrow_a_pattern,
    take_no_float,
    refuse_other_properties,
    remove_a_kind,
    ask_for_other_credentials,
    close_an_open_operation,
]


def add_path(after: Json) -> None:
    after["paths"]["/v1/teams"] = deepcopy(after["paths"]["/v1/kinds"])


def add_optional_parameter(after: Json) -> None:
    new = {"name": "team", "in": "query", "schema": {"type": "string"}}
    after["paths"][OBJECTS]["get"]["parameters"].append(new)


def raise_the_limit(after: Json) -> None:
    limits = (p for p in after["paths"][OBJECTS]["get"]["parameters"] if p["name"] == "limit")
    next(limits)["schema"]["maximum"] = 500


def answer_a_new_property(after: Json) -> None:
    schema(after, "RecordObject")["properties"]["team"] = {"type": "string"}


def take_an_optional_property(after: Json) -> None:
    schema(after, "CreateRecord")["properties"]["team"] = {"type": "string"}


def lengthen_a_name(after: Json) -> None:
    schema(after, "CreateRecord")["properties"]["name"]["maxLength"] = 512


def add_a_kind(after: Json) -> None:
    after["components"]["schemas"]["CreateShip"] = deepcopy(schema(after, "CreateRecord"))
    body = after["paths"][OBJECTS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    body["oneOf"].append({"$ref": "#/components/schemas/CreateShip"})


def refuse_with_a_new_status(after: Json) -> None:
    answers = after["paths"][OBJECTS]["get"]["responses"]
    answers["402"] = answers["400"]


def refuse_with_a_new_code(after: Json) -> None:
    problem = after["paths"][OBJECTS]["get"]["responses"]["400"]["content"]["application/problem+json"]
    problem["schema"]["properties"]["code"]["enum"].append("limit_reached")


def answer_with_a_new_header(after: Json) -> None:
    after["paths"][OBJECTS]["get"]["responses"]["200"]["headers"]["Age"] = {"schema": {"type": "string"}}


def say_it_better(after: Json) -> None:
    after["paths"][OBJECTS]["get"]["description"] = "Better."
    schema(after, "RecordObject")["properties"]["name"]["description"] = "Better."


COMPATIBLE = [
    add_path,
    add_optional_parameter,
    raise_the_limit,
    answer_a_new_property,
    take_an_optional_property,
    lengthen_a_name,
    add_a_kind,
    refuse_with_a_new_status,
    refuse_with_a_new_code,
    answer_with_a_new_header,
    say_it_better,
]


def changed(change: Callable[[Json], None]) -> Json:
    after = deepcopy(BEFORE)
    change(after)
    return after


def test_a_document_does_not_differ_from_itself() -> None:
    assert compare(BEFORE, deepcopy(BEFORE)) == []


@pytest.mark.parametrize("change", BREAKING)
def test_a_change_breaks(change: Callable[[Json], None]) -> None:
    assert any(found.is_breaking for found in compare(BEFORE, changed(change)))


@pytest.mark.parametrize("change", COMPATIBLE)
def test_a_change_does_not_break(change: Callable[[Json], None]) -> None:
    found = compare(BEFORE, changed(change))

    assert [str(one) for one in found if one.is_breaking] == []
    assert found or change is say_it_better


@pytest.mark.parametrize(("change", "status"), [(add_path, 0), (remove_path, 1)])
def test_the_command_fails_when_something_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Json], None], status: int
) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(BEFORE))
    after.write_text(json.dumps(changed(change)))

    assert main(str(before), str(after)) == status
    assert ("breaking  " in capsys.readouterr().out) is bool(status)
