"""The API function. It takes API Gateway's events and returns answers."""

from app.api.app import create_app
from app.api.lambda_adapter import create_handler, register_for_snapshots
from app.bootstrap import adapters, compose_api
from app.config import ApiSettings
from app.observability import guarded

settings = ApiSettings.from_environment()
composed = adapters(settings)
app = create_app(compose_api(composed, settings), settings)
handler = guarded(create_handler(app))
register_for_snapshots(handler, composed.drop_connections)
