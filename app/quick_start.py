"""Let a function of Lambda start faster: its entry point imports this module first, and calls `started` last.

While modules load, garbage collection finds nothing and costs about a tenth of the time. What they
leave lives as long as the process, so the collector need not look at it again (`gc.freeze`).
Pydantic would look through all installed packages for plugins, of which there are none.

Elsewhere than in Lambda nothing changes, nor with QUICK_START=off.
"""

import gc
import os

#: Set by Lambda (AWS Lambda Developer Guide, "Defined runtime environment variables").
IS_ON = "AWS_LAMBDA_FUNCTION_NAME" in os.environ and os.environ.get("QUICK_START") != "off"

#: True if a request waits while the function starts. None does before a snapshot, or where functions wait
#: for requests: there everything is built ahead (the same section of the guide).
IS_AWAITED = IS_ON and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") == "on-demand"

if IS_ON:
    gc.disable()
    # Pydantic's own switch (Pydantic's documentation, "Plugins").
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def started() -> None:
    """Let the collector begin, behind all that is loaded by now."""
    if IS_ON:
        gc.freeze()
        gc.enable()
