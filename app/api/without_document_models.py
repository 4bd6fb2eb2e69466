"""Leave out FastAPI's models of an OpenAPI document until the document is asked for.

Most instances never are. FastAPI defines about 40 models, and all that it does with them at its import is to
name them in annotations, and to make one that is a default. The module here stands in for FastAPI's: each
of its names loads the real one when it is called. Must be imported before FastAPI. Off with QUICK_START=off.
"""

import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

from app.quick_start import IS_ON

MODELS = "fastapi.openapi.models"
#: The default of a security scheme that nothing here uses.
MADE_AT_IMPORT = "OAuthFlows"


class LaterModel:
    """Stands for a model in annotations, and makes one of it when it is called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *values: Any, **fields: Any) -> Any:
        if self._name == MADE_AT_IMPORT and not fields:
            return None
        return getattr(_real_models(), self._name)(*values, **fields)

    def __or__(self, _other: object) -> Any:
        return Any

    __ror__ = __or__


class LaterModels(ModuleType):
    def __getattr__(self, name: str) -> LaterModel:
        if name.startswith("__"):
            raise AttributeError(name)  # so Python asks a module if it is a package, for example
        return LaterModel(name)


@cache
def _real_models() -> ModuleType:
    spec = PathFinder.find_spec(MODELS, sys.modules["fastapi.openapi"].__path__)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(MODELS)
    models = module_from_spec(spec)
    spec.loader.exec_module(models)
    return models


if IS_ON:
    sys.modules[MODELS] = LaterModels(MODELS)
