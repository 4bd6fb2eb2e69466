"""The main job on the running stack, over real HTTP: hand over, process, download."""

import hashlib
import io
import json
import time

import pytest
from PIL import Image

from tests.conftest import Measured
from tests.system.client import Client
from tests.system.conftest import Runtime
from tests.system.samples import CITIES, COLUMNS, ROWS, SAMPLES, Sample

EVENTS = ("object.created", "object.processing", "object.ready")


@pytest.fixture(scope="module")
def client(running: Runtime) -> Client:
    return Client(running.url, {"X-Owner": "main-job"})


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_large_data_set_uploaded_by_presigned_url_becomes_ready(
    client: Client, sample: Sample, measured: Measured
) -> None:
    payload = sample.make()
    object_id = client.upload("dataset", sample.name, sample.media_type, payload)
    uploaded = time.monotonic()
    found = client.wait_until_settled(object_id)
    seconds = time.monotonic() - uploaded
    measured(f"{sample.name}: {len(payload)} bytes, upload to ready in {seconds:.2f} s")

    assert (found["status"], found["problem"]) == ("ready", None)
    summary = found["result"]["summary"]
    assert (summary["rows"], summary["columns"]) == (ROWS, len(COLUMNS))
    assert found["payload"]["sha256"] == hashlib.sha256(payload).hexdigest()
    profile = json.loads(client.artifact(object_id, "profile.json"))
    check_profile(profile)
    preview = json.loads(client.artifact(object_id, "preview.json"))
    assert (preview["columns"], len(preview["rows"])) == (list(COLUMNS), 100)
    assert client.artifact(object_id, "data.parquet")[:4] == b"PAR1"
    assert client.get(f"/v1/objects/{object_id}/payload").body == payload
    client.wait_for_history(object_id, *EVENTS)


def check_profile(profile: dict[str, object]) -> None:
    assert profile["rows"] == ROWS
    columns = {column["name"]: column for column in profile["columns"]}  # type: ignore[attr-defined]
    types = [columns[name]["type"] for name in COLUMNS]
    assert types == ["integer", "text", "number", "boolean", "date"]
    assert all(column["nulls"] == 0 for column in columns.values())
    assert (columns["trip"]["min"], columns["trip"]["max"]) == (0, ROWS - 1)
    assert columns["distance_km"]["mean"] == pytest.approx(62.4375)
    assert (columns["day"]["min"], columns["day"]["max"]) == ("2026-01-01", "2026-12-28")
    cities = [city.replace("\n", " ") if profile["format"] == "tsv" else city for city in CITIES]
    assert {top["value"]: top["count"] for top in columns["city"]["top"]} == dict.fromkeys(cities, ROWS // 5)
    assert sum(columns["distance_km"]["histogram"]["counts"]) == ROWS


def test_an_inline_payload_becomes_ready(client: Client) -> None:
    payload = {"media_type": "text/csv", "text": "a,b\n1,2\n"}
    created = client.create({"kind": "dataset", "name": "small.csv", "payload": payload}).json()

    found = client.wait_until_settled(created["id"])

    assert found["result"]["summary"] == {"format": "csv", "rows": 1, "columns": 2}
    client.wait_for_history(created["id"], *EVENTS)


def test_a_payload_that_is_not_what_it_says_is_rejected_with_a_reason(client: Client) -> None:
    object_id = client.upload("dataset", "trips.csv", "text/csv", b"PK\x03\x04" + bytes(200))

    found = client.wait_until_settled(object_id)

    assert (found["status"], found["problem"]["code"]) == ("rejected", "media_type_mismatch")
    assert (found["payload"], found["result"]) == (None, None)
    client.wait_for_history(object_id, "object.created", "object.processing", "object.rejected")


def test_a_file_is_kept_as_it_is(client: Client) -> None:
    payload = bytes(range(256)) * 64
    object_id = client.upload("file", "noise.bin", "application/octet-stream", payload)

    assert client.wait_until_settled(object_id)["status"] == "ready"
    assert client.get(f"/v1/objects/{object_id}/payload").body == payload


def test_an_image_gets_a_thumbnail(client: Client) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (2000, 1000), "teal").save(picture, "JPEG")
    object_id = client.upload("image", "teal.jpg", "image/jpeg", picture.getvalue())

    found = client.wait_until_settled(object_id)

    assert found["status"] == "ready"
    assert (found["result"]["summary"]["width"], found["result"]["summary"]["height"]) == (2000, 1000)
    with Image.open(io.BytesIO(client.artifact(object_id, "thumbnail.webp"))) as thumbnail:
        assert thumbnail.size == (320, 160)


def test_a_document_gives_its_text(client: Client) -> None:
    object_id = client.upload(
        "document", "log.md", "text/markdown", "# Día 1\n\nAll well.\n".encode("latin-1")
    )

    found = client.wait_until_settled(object_id)

    assert (found["status"], found["result"]["summary"]["words"]) == ("ready", 5)
    assert client.artifact(object_id, "text.txt").decode() == "# Día 1\n\nAll well.\n"
