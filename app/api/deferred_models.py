"""Build FastAPI's models of an OpenAPI document when they are first used, not when they are imported.

Pydantic builds a validator for each model that is defined. FastAPI defines about 40 for the
document, which most instances of the function never make: they take half of FastAPI's import.
`fastapi.openapi.models` is therefore loaded with Pydantic's own setting `defer_build`, and without
the `model_rebuild` calls at its end. Whatever model is used later builds itself.

Must be imported before FastAPI. Off with QUICK_START=off.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, cast

from pydantic import BaseModel

from app.quick_start import IS_ON

MODELS = "fastapi.openapi.models"


class ModelsFinder:
    """Finds one module, and has it loaded while models are deferred."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == MODELS else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_deferring(module: ModuleType) -> None:
            with deferring():
                execute(module)

        spec.loader.exec_module = execute_deferring  # type: ignore[method-assign]  # of this one loader
        return spec


@contextmanager
def deferring() -> Iterator[None]:
    """Let the models that are defined in the block be built when they are used."""
    config = cast("dict[str, Any]", BaseModel.model_config)
    kept, rebuild = dict(config), BaseModel.__dict__["model_rebuild"]
    config["defer_build"] = True
    BaseModel.model_rebuild = classmethod(_later)  # type: ignore[method-assign,assignment]  # put back below
    try:
        yield
    finally:
        config.clear()
        config.update(kept)
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]  # what it was


def _later(_model: type[BaseModel], /, **_options: Any) -> None:
    """Take the place of `model_rebuild`."""


if IS_ON:
    sys.meta_path.insert(0, ModelsFinder)
