"""A log line as a person reads it."""

import json

import pytest

from scripts.logs import line

MOMENT = 1_772_357_400_000


@pytest.mark.parametrize(
    ("group", "message", "expected"),
    [
        (
            "/aws/lambda/wharf-dev-worker",
            json.dumps({"level": "INFO", "message": "object.ready", "service": "wharf", "object_id": "1"}),
            "worker  INFO object.ready object_id=1",
        ),
        ("/aws/lambda/wharf-dev-api", "START RequestId: 1\n", "api     START RequestId: 1"),
        (
            "/aws/apigateway/wharf-dev",
            '{"message": "gateway.request", "status": "200"}',
            "gateway gateway.request status=200",
        ),
        ("/aws/lambda/wharf-dev-relay", "[1]", "relay   [1]"),
    ],
)
def test_a_line_tells_when_where_and_what(group: str, message: str, expected: str) -> None:
    found = line({"timestamp": MOMENT, "group": group, "message": message})

    assert found == f"2026-03-01T09:30:00.000Z {expected}"
