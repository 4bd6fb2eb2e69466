"""A presigned URL is a key that anybody can use: it lasts minutes, and exactly as long as the answer says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from samtranslator.yaml_helper import yaml_parse

from app.api.app import create_app
from app.aws.clients import Clients
from app.config import ApiSettings, ConfigurationError
from app.local.aws.template import TEMPLATE
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.stored import URL, behind
from tests.services import services_on

#: Parameters of Signature Version 4 in a URL (Amazon S3 User Guide, "Sharing objects with presigned URLs").
SIGNATURE_LIMIT = timedelta(days=7)
MINUTES = range(60, 3600)
NEEDED = {"TABLE_NAME": "t", "BUCKET_NAME": "b", "QUEUE_URL": "q", "AUTH_MODE": "iam"}


def ends(url: str) -> datetime:
    query = parse_qs(urlsplit(url).query)
    signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))


def is_same(url: str, told: str) -> bool:
    """The URL is signed within the second that its answer is made in, and counts whole ones."""
    return abs(ends(url) - datetime.fromisoformat(told)) <= timedelta(seconds=2)


def test_by_default_they_last_minutes() -> None:
    settings = ApiSettings.from_environment(NEEDED)
    parameters = yaml_parse(TEMPLATE.read_text())["Parameters"]

    assert settings.upload_seconds in MINUTES
    assert settings.download_seconds in MINUTES
    assert parameters["UploadSeconds"]["Default"] == settings.upload_seconds
    assert parameters["DownloadSeconds"]["Default"] == settings.download_seconds


@pytest.mark.parametrize(
    ("name", "parameter"), [("UPLOAD_SECONDS", "UploadSeconds"), ("DOWNLOAD_SECONDS", "DownloadSeconds")]
)
def test_no_setting_makes_them_last_longer_than_an_hour(name: str, parameter: str) -> None:
    longest = timedelta(hours=1).total_seconds()
    ApiSettings.from_environment({**NEEDED, name: str(int(longest))})

    for seconds in (longest + 1, SIGNATURE_LIMIT.total_seconds(), 0, -1):
        with pytest.raises(ConfigurationError, match=name):
            ApiSettings.from_environment({**NEEDED, name: str(int(seconds))})
    assert yaml_parse(TEMPLATE.read_text())["Parameters"][parameter]["MaxValue"] == longest


UPLOAD: dict[str, Any] = {"media_type": "text/csv", "size": 12}


def test_an_upload_lasts_as_long_as_it_says(client: httpx2.Client) -> None:
    body = {"kind": "dataset", "name": "n", "payload": UPLOAD}
    created = client.post("/v1/objects", json=body).json()
    again = client.post(f"/v1/objects/{created['id']}/uploads", json={**UPLOAD, "size": 13}).json()

    for answer in (created, again):
        assert is_same(answer["upload"]["url"], answer["upload"]["expires_at"])


@pytest.mark.parametrize("path", [f"{URL}/payload", f"{URL}/artifacts/profile.json"])
def test_a_download_lasts_as_long_as_it_says(client: httpx2.Client, aws: Aws, path: str) -> None:
    behind(client, aws).add("ready")

    link = client.get(path, headers={"Accept": "application/json"}).json()
    redirect = client.get(path).headers["Location"]

    assert is_same(link["url"], link["expires_at"])
    assert is_same(redirect, link["expires_at"])


class TestToken:
    """A URL ends with its token (Amazon S3 User Guide, "Sharing objects with presigned URLs")."""

    @pytest.fixture
    def ending(self, monkeypatch: pytest.MonkeyPatch) -> datetime:
        """Set the end of the token, before the defaults of both URLs, and return it."""
        moment = (datetime.now(UTC) + timedelta(minutes=4)).replace(microsecond=0)
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", moment.isoformat())
        return moment

    @pytest.fixture
    def client(self, aws: Aws, ending: datetime) -> Iterator[httpx2.Client]:
        services = services_on(replace(aws, s3=Clients().client("s3")))
        with through_lambda(create_app(services, settings_for("api-key"))) as client:
            yield client

    def test_an_upload_ends_with_it(self, client: httpx2.Client, ending: datetime) -> None:
        body = {"kind": "dataset", "name": "n", "payload": UPLOAD}
        created = client.post("/v1/objects", json=body).json()

        assert datetime.fromisoformat(created["upload"]["expires_at"]) == ending
        assert is_same(created["upload"]["url"], created["upload"]["expires_at"])
        assert datetime.fromisoformat(created["incoming"]["expires_at"]) > ending

    def test_asking_again_gives_a_url_of_the_next_one(
        self, client: httpx2.Client, ending: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"kind": "dataset", "name": "n", "payload": UPLOAD}
        created = client.post("/v1/objects", json=body).json()
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", (ending + timedelta(hours=1)).isoformat())
        again = client.post(f"/v1/objects/{created['id']}/uploads", json=UPLOAD).json()

        assert again["version"] == created["version"]
        assert again["upload"]["expires_at"] == created["incoming"]["expires_at"]

    def test_a_download_ends_with_it(self, client: httpx2.Client, aws: Aws, ending: datetime) -> None:
        behind(client, aws).add("ready")

        link = client.get(f"{URL}/payload", headers={"Accept": "application/json"}).json()

        assert datetime.fromisoformat(link["expires_at"]) == ending
        assert is_same(link["url"], link["expires_at"])
