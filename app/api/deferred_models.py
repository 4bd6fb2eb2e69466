"""Build each of our models when a request first needs it.

Pydantic builds the validator of a model where it is defined, unless its own setting `defer_build` is on. A
first request needs a few of our models. Only where a request waits for the start, and before the models
are defined. Off with QUICK_START=off.
"""

from pydantic import BaseModel

from app.quick_start import IS_AWAITED

if IS_AWAITED:
    BaseModel.model_config["defer_build"] = True
