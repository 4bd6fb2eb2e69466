"""Leave out FastAPI's OpenTelemetry, which does nothing while no provider is configured.

No function configures one: traces are passed on (`app/domain/causes.py`), and X-Ray's segments come from
Lambda. FastAPI loads OpenTelemetry, and asks with each request whether it is configured by now. The modules
here stand in for FastAPI's, with what a request needs of them. Where OpenTelemetry was loaded before, as
by a layer that configures it, FastAPI's own stay. Must be imported before FastAPI. Off with QUICK_START=off.
"""

import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

from app.quick_start import IS_ON

TELEMETRY = "fastapi.telemetry"
NOTHING = nullcontext()


#: The names that FastAPI imports, by module.
STAND_INS: dict[str, dict[str, object]] = {
    TELEMETRY: {"TelemetryConfig": dict, "__path__": []},
    f"{TELEMETRY}._api": {
        "_operation": lambda **_: NOTHING,
        "_route_selected": lambda **_: None,
        "_run_sync_endpoint": lambda *, function, arguments: function(**arguments),
        "_validation_failed": lambda _: None,
        "get_telemetry_data": lambda: None,
    },
    f"{TELEMETRY}._asgi": {
        "ExceptionTelemetryMiddleware": lambda app: app,
        "NativeTelemetry": lambda _: SimpleNamespace(enabled=lambda: False),
        "_legacy_otel": lambda _: False,
    },
}


if IS_ON and "opentelemetry" not in sys.modules:
    for name, contents in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update(contents)
        sys.modules[name] = module
