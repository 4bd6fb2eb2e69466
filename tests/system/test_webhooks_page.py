"""The receivers that docs/webhooks.md shows take what Wharf signs, and nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.times import utc_now
from app.domain.webhooks.webhook import Secret
from app.sender.send import headers
from app.services.webhooks.managing import new_secret
from tests.subscribed import make_delivery, make_event, make_webhook
from tests.system.conftest import ROOT

PAGE = (ROOT / "docs" / "webhooks.md").read_text()
NPM = ROOT / "tests" / "npm"
OLD, NEW, FOREIGN = (new_secret() for _ in range(3))

Sent = tuple[bytes, dict[str, str]]


@pytest.fixture
def sent() -> Sent:
    """A delivery of a webhook whose secret was rotated."""
    now = utc_now()
    webhook = make_webhook(secrets=(Secret(NEW, now), Secret(OLD, now, now.replace(year=now.year + 1))))
    delivery = make_delivery()
    assert delivery.event is not None
    return delivery.event.encode(), headers(webhook, delivery, now)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def defined(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102  # the page's own example
    return names


def test_the_receiver_in_python_takes_what_is_signed(sent: Sent) -> None:
    names = defined(blocks("python")[0])
    receive: Callable[..., Any] = names["receive"]

    assert receive(NEW, *sent) == receive(OLD, *sent) == make_event()
    with pytest.raises(names["WebhookVerificationError"]):
        receive(FOREIGN, *sent)


def test_the_check_by_hand_takes_what_is_signed(sent: Sent) -> None:
    body, given = sent
    is_genuine: Callable[..., bool] = defined(blocks("python")[1])["is_genuine"]

    assert is_genuine(NEW, body, given)
    assert is_genuine(OLD, body, given)
    assert not is_genuine(FOREIGN, body, given)
    assert not is_genuine(NEW, body + b" ", given)
    assert not is_genuine(NEW, body, given | {"webhook-id": "other"})
    assert not is_genuine(NEW, body, given | {"webhook-timestamp": "1700000000"})


@pytest.mark.builds
def test_the_receiver_in_javascript_takes_what_is_signed(sent: Sent, tmp_path: Path) -> None:
    """Try the package of npm, in the version whose hash is in tests/npm."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("There is no npm.")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NPM / name, tmp_path)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=tmp_path, check=True)
    body, given = sent
    told = [[secret, body.decode(), given] for secret in (NEW, OLD, FOREIGN)]
    script = f"""{blocks("javascript")[0]}
for (const [secret, body, headers] of {json.dumps(told)}) {{
  let event = null;
  try {{ event = receive(secret, body, headers); }} catch (refused) {{}}
  console.log(JSON.stringify(event));
}}
"""
    done = subprocess.run(["node", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert [json.loads(line) for line in done.stdout.splitlines()] == [make_event(), make_event(), None]
