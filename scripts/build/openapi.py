"""Write docs/openapi.json: the API as it is deployed by default, with API keys.

python -m scripts.build.openapi docs/openapi.json
"""

import json
import sys
from pathlib import Path
from typing import Any, cast

from app.api.app import create_app
from app.api.services import ApiServices
from app.config import ApiSettings


def document() -> dict[str, Any]:
    settings = ApiSettings(table_name="objects", bucket_name="payloads", queue_url="-", auth_mode="api-key")
    # No request is served, so no service is needed.
    return create_app(cast(ApiServices, None), settings).openapi()


def as_text(described: dict[str, Any]) -> str:
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_text(document()), encoding="utf-8")
