"""CORS: which pages may call the API from a browser."""

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
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Api-Key",
    "X-Owner",
]
ANSWER_HEADERS = ["ETag", "Idempotency-Replayed", "Location", "Request-Id", "Retry-After"]
PREFLIGHT_SECONDS = 3600


def add_cross_origin(app: FastAPI, origins: str) -> None:
    """Allow pages of these origins. `origins` has commas between; no page is allowed if it is empty."""
    allowed = between_commas(origins)
    if allowed:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=ANSWER_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
