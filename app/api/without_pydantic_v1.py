"""Leave out Pydantic's old version, which FastAPI loads to say that a model of it is not supported.

No model here is one. `pydantic.v1` takes 3% of a start and 1.5 MiB. FastAPI does without it where it cannot
be imported, so it is marked so. Must be imported before FastAPI. Off with QUICK_START=off.
"""

import sys
from types import ModuleType
from typing import cast

from app.quick_start import IS_ON

OLD_PYDANTIC = "pydantic.v1"

if IS_ON:
    # Python's own mark of a module that cannot be imported (The import system, "The module cache").
    sys.modules[OLD_PYDANTIC] = cast("ModuleType", None)
