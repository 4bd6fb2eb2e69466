"""The API function. It takes API Gateway's events and returns answers."""

from app import quick_start
from app.api import (  # noqa: F401  # before FastAPI
    deferred_models,
    without_document_models,
    without_pydantic_v1,
    without_telemetry,
)
from app.api.app import create_app
from app.api.lambda_adapter import create_handler, register_for_snapshots
from app.bootstrap.adapters import adapters
from app.bootstrap.api import compose_api
from app.config import ApiSettings
from app.observability import guarded

settings = ApiSettings.from_environment()
composed = adapters(settings, signs=True)
app = create_app(compose_api(composed, settings), settings)
handler = guarded(create_handler(app))
register_for_snapshots(handler, composed.drop_connections)
quick_start.started()
