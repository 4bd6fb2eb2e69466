"""Makes botocore's clients, as this service configures them.

botocore takes long to load, so `clients.py` imports this module when it makes the first of them.
"""

import os
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import botocore.session
from botocore.config import Config

from app.aws.counting import count_call
from app.aws.faults import INSISTS_SECONDS

#: Threads of the local server; each may hold one connection.
THREADS = 16

CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 3},
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=THREADS,
    parameter_validation=False,
    user_agent="wharf",
    signature_version="v4",
)
#: The configuration for calls that `insist` repeats. The SDK would repeat them too, but after seconds.
INSISTING = Config(
    retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=1, read_timeout=INSISTS_SECONDS
)
# A checksum is sent where this service asks for one, not by default.
S3_CONFIG = CONFIG.merge(
    Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
)
# Otherwise presigned URLs name S3's global host. It redirects requests for a new bucket of
# another region, and refuses those for regions newer than 2019 (Amazon S3 User Guide,
# "Virtual hosting of general purpose buckets").
REGIONAL_S3_CONFIG = S3_CONFIG.merge(
    Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
)
#: Variables that lead S3's client to another address, where no host is named after a bucket.
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


class Sdk:
    """Makes clients on one session."""

    def __init__(self, session: Any = None, *, callers_repeat: bool = False) -> None:
        self._session = session or botocore.session.get_session()
        self._repeating = INSISTING if callers_repeat else Config()

    def client(self, service: str, **options: Any) -> Any:
        config = CONFIG
        if service == "s3":
            has_endpoint = "endpoint_url" in options or any(os.environ.get(name) for name in ENDPOINTS)
            config = S3_CONFIG if has_endpoint else REGIONAL_S3_CONFIG
        client = self._session.create_client(service, config=config.merge(self._repeating), **options)
        # Each call counts for the unit of work that makes it. Presigning makes no call.
        events = client.meta.events
        # Not `before-call`: its handlers may answer in the place of AWS.
        events.register("before-parameter-build", lambda context, **_: context.update(began=perf_counter()))
        events.register("request-created", _count_attempt)
        events.register("after-call", _end_call)
        events.register("after-call-error", _end_call)
        return client


def _count_attempt(request: Any, **_: Any) -> None:
    """Count the attempt here: a call that ends without an answer does not tell its retries."""
    request.context["attempts"] = request.context.get("attempts", 0) + 1


def _end_call(
    context: dict[str, Any], event_name: str, parsed: Mapping[str, Any] | None = None, **_: Any
) -> None:
    count_call(
        event_name.partition(".")[2],
        seconds=perf_counter() - context["began"],
        retries=max(0, context.get("attempts", 0) - 1),
        status=(parsed or {}).get("ResponseMetadata", {}).get("HTTPStatusCode"),
    )
