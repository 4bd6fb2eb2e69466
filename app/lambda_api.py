"""The API function: Mangum around the FastAPI app."""

import asyncio

from mangum import Mangum

from app.api.app import create_app
from app.bootstrap import build_api
from app.config import ApiSettings

TEXT_TYPES = ["text/", "application/json", "application/problem+json", "application/javascript"]

settings = ApiSettings.from_environment()
app = create_app(build_api(settings), settings)
# Mangum looks for a current event loop, which Python 3.12 and later no longer make.
asyncio.set_event_loop(asyncio.new_event_loop())
handler = Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)
