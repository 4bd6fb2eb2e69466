"""Annotations that make the schema of a type say more, or something else, than the type."""

from typing import Any

from pydantic import AfterValidator, BaseModel, GetJsonSchemaHandler


class DocumentedAs:
    """Shows a model's schema for a dict that the model validates elsewhere."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_json_schema__(self, _schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(self._model.__pydantic_core_schema__)


class Documented:
    """Adds keywords to the schema of a type: what a use case checks later, or a format."""

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | self._keywords


def one_of(names: list[str]) -> tuple[AfterValidator, Documented]:
    """Return annotations of a text that must be one of the names."""

    def check(text: str) -> str:
        if text not in names:
            raise ValueError(f"Input should be one of {', '.join(names)}")
        return text

    return AfterValidator(check), Documented(enum=names)
