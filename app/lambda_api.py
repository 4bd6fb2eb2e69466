"""The API function. It takes API Gateway's events and returns answers."""

from app.api.app import create_app
from app.api.lambda_adapter import create_handler, prime_before_snapshot
from app.bootstrap import adapters, compose_api
from app.config import ApiSettings
from app.observability import guarded

settings = ApiSettings.from_environment()
app = create_app(compose_api(adapters(settings), settings), settings)
handler = guarded(create_handler(app))
prime_before_snapshot(handler)
