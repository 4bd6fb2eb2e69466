"""CORS: which pages may call the API from a browser."""

import re

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.api.http.methods import METHODS
from app.config import between_commas

REQUEST_HEADERS = [
    "Accept",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Api-Key",
    "X-Owner",
]
ANSWER_HEADERS = [
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Request-Id",
    "Retry-After",
]
PREFLIGHT_SECONDS = 3600
ANY_PORT = ":*"


def add_cross_origin(app: FastAPI, origins: str) -> None:
    """Allow pages of these origins. `origins` has commas between; no page is allowed if it is empty.

    An origin may end in `:*`, for any port, as in the CORS rules of a bucket.
    """
    allowed = between_commas(origins)
    bases = [re.escape(one.removesuffix(ANY_PORT)) for one in allowed if one.endswith(ANY_PORT)]
    if allowed:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[one for one in allowed if not one.endswith(ANY_PORT)],
            allow_origin_regex=rf"(?:{'|'.join(bases)})(?::[0-9]+)?" if bases else None,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=ANSWER_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
