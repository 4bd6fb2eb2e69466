"""The worked example of docs/kinds.md: one module and one entry are a new kind of object."""

import io
import json
import math
import re
import shutil
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.client import Client
from tests.system.conftest import ROOT, started

LAST_ENTRY_ENDS = "    )\n}\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Start a copy of the service in which the page was followed."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "app", root / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", root)
    module, entry = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "kinds.md").read_text(), re.DOTALL)
    (root / "app" / "processors" / "sound.py").write_text(module)
    registry = root / "app" / "domain" / "kinds.py"
    before, end, after = registry.read_text().partition(LAST_ENTRY_ENDS)
    assert end
    registry.write_text(f"{before}{entry.rstrip()},\n{end}{after}")
    with started(root / "data", root=root) as runtime:
        yield Client(runtime.url, {})


def tone(seconds: float, *, loudness: float) -> bytes:
    samples = (
        round(32767 * loudness * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(round(seconds * 8000))
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(array("h", samples).tobytes())
    return file.getvalue()


def test_the_new_kind_is_processed_like_any_other(client: Client) -> None:
    object_id = client.upload("sound", "tone.wav", "audio/wav", tone(2.5, loudness=0.5))

    found = client.wait_until_settled(object_id)

    assert found["status"] == "ready", found
    assert found["result"]["summary"] == {"seconds": 2.5, "channels": 1, "rate": 8000}
    peaks = json.loads(client.artifact(object_id, "loudness.json"))
    assert peaks == pytest.approx([0.5, 0.5, 0.5], abs=0.01)


def test_a_payload_that_is_not_a_sound_is_rejected(client: Client) -> None:
    object_id = client.upload("sound", "tone.wav", "audio/wav", Path(ROOT / "README.md").read_bytes())

    found = client.wait_until_settled(object_id)

    assert found["problem"] == {"code": "media_type_mismatch", "detail": "The payload is not a WAV file."}


def test_the_api_knows_the_new_kind(client: Client) -> None:
    kinds = {kind["name"]: kind for kind in client.get("/v1/kinds").json()["items"]}
    refused = client.create(
        {"kind": "sound", "name": "a", "payload": {"media_type": "text/csv", "text": "a"}}
    )
    document = client.get("/openapi.json").json()

    assert kinds["sound"]["media_types"] == ["audio/wav"]
    assert refused.status == 422
    assert "accepts: audio/wav." in refused.body.decode()
    assert '"sound"' in json.dumps(document)
