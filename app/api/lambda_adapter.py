"""The app behind API Gateway: REST proxy events in, answers out, through Mangum."""

import asyncio

from fastapi import FastAPI
from mangum import Mangum

# Everything else is sent in base64; Mangum compares by substring.
TEXT_TYPES = ["text/", "application/json", "application/problem+json", "application/javascript"]


def create_handler(app: FastAPI) -> Mangum:
    # Mangum looks for a current event loop, which Python 3.12 and later no longer make.
    asyncio.set_event_loop(asyncio.new_event_loop())
    return Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)
