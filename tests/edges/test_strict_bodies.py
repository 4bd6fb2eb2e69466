"""Every request body is strict, down to its smallest part: no unknown field, no value of another type.

What a client sent by mistake, or to try its luck, is refused rather than guessed at.
"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from app.api import routes
from app.api.schemas import requests
from app.domain.kinds import KINDS

#: The one conversion: to JSON, 8.0 is the integer 8.
WHOLE_NUMBERS = requests.whole_number


def body_types() -> list[Any]:
    nouns = [noun for _, noun in inspect.getmembers(routes, inspect.ismodule) if hasattr(noun, "router")]
    found = [route for noun in nouns for route in noun.router.routes if isinstance(route, APIRoute)]
    return [route.body_field.field_info.annotation for route in found if route.body_field is not None]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
            for more in field.metadata:
                yield from models_in(more)
    for argument in get_args(annotation):
        yield from models_in(argument)


MODELS = {model.__name__: model for body in (*body_types(), requests.CreateIn) for model in models_in(body)}


def leniencies(model: type[BaseModel]) -> list[str]:
    """Return the places where a model takes more than it says."""
    config = model.model_config
    found = [
        f"{name}={config.get(name)}"
        for name, wanted in (("extra", "forbid"), ("strict", True), ("allow_inf_nan", False))
        if config.get(name) != wanted
    ]
    for name, field in model.model_fields.items():
        found += [f"{name}: {leniency}" for leniency in _of_field(field)]
    return found


def _of_field(field: FieldInfo) -> Iterator[str]:
    for more in field.metadata:
        if getattr(more, "strict", None) is False:
            yield "not strict"
        if isinstance(more, BeforeValidator) and more.func is not WHOLE_NUMBERS:
            yield f"converted by {more.func}"


def test_all_bodies_are_looked_at() -> None:
    assert {f"Create{kind.title()}" for kind in KINDS} <= set(MODELS)
    assert {"PatchIn", "UploadPayload", "DatasetTextPayload", "ImageBase64Payload"} <= set(MODELS)
    assert len(body_types()) == 8
    assert {"CreateLink", "CreateWebhook", "PatchWebhook", "ReplayIn"} <= set(MODELS)
    assert len(MODELS) == len(KINDS) + 7 + 3 * sum(kind.processor is not None for kind in KINDS.values())


@pytest.mark.parametrize("name", MODELS)
def test_a_body_is_strict(name: str) -> None:
    assert leniencies(MODELS[name]) == []


@pytest.mark.parametrize("name", MODELS)
def test_a_field_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        MODELS[name].model_validate({"surprise": 1})

    assert ("surprise",) in {error["loc"] for error in refusal.value.errors()}


#: Values that a lax model would take, or try to convert.
COERCED: Mapping[str, Any] = {
    "name": 7,
    "labels": [["a", "b"]],
    "media_type": b"text/csv",
    "text": 7,
    "base64": b"AAAA",
    "size": "8",
    "sha256": 0,
    "kind": b"record",
    "attributes": [["a", 1]],
    "payload": "text",
    "artifact": 7,
    "disposition": b"inline",
    "expires_in": "60",
    "url": b"https://app.example/",
    "types": ("object.ready",),
    "kinds": ("dataset",),
    "description": 7,
    "enabled": "true",
    "after": 1_772_323_200,
    "until": 1_772_323_200,
    "status": b"failed",
    "dry_run": 1,
    "multipart": 1,
    "numbers": ("1",),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_value_of_another_type_is_refused(name: str) -> None:
    model = MODELS[name]
    with pytest.raises(ValidationError) as refusal:
        model.model_validate({field: COERCED[field] for field in model.model_fields})

    assert {error["loc"][0] for error in refusal.value.errors()} == set(model.model_fields)


@pytest.mark.parametrize("value", [True, "8", 8.5, None, [8]])
def test_a_size_is_a_whole_number(value: Any) -> None:
    size = TypeAdapter(requests.Size, config=ConfigDict(strict=True))
    assert size.validate_python(8.0) == 8

    with pytest.raises(ValidationError):
        size.validate_python(value)


class Lax(BaseModel):
    number: int


class Inner(requests.Strict):
    number: Annotated[int, Field(strict=False)]
    text: Annotated[str, BeforeValidator(str)]


class Outer(requests.Strict):
    many: list[Inner | None]
    lax: Lax


def test_the_test_finds_what_is_lax() -> None:
    found = {model.__name__: leniencies(model) for model in models_in(Outer)}

    assert found["Outer"] == []
    assert found["Lax"] == ["extra=None", "strict=None", "allow_inf_nan=None"]
    assert [one.partition(" by")[0] for one in found["Inner"]] == ["number: not strict", "text: converted"]
