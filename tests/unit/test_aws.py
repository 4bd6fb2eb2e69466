"""The hosts that presigned URLs name."""

from typing import Any

import pytest

from app.aws import Clients
from app.domain.values import PayloadKey, Revision
from app.storage.payloads import PayloadStore

KEY = PayloadKey("local-me", "6f1c", 1)
REVISION = Revision(1, "text/csv", 12, None, None)


def signed(clients: Clients, **options: Any) -> list[str]:
    """Return an upload and a download of the bucket `wharf-payloads`, as scheme, host and path."""
    s3 = clients.client("s3", **options)
    store = PayloadStore(s3, "wharf-payloads", s3)
    upload = store.sign_upload(KEY, REVISION, seconds=60).url
    download = store.sign_download(str(KEY), media_type="text/csv", file_name="a.csv", seconds=60)
    return [url.partition("?")[0] for url in (upload, download)]


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-west-2", "amazonaws.com"),
        ("eu-north-1", "amazonaws.com"),
        ("eu-central-2", "amazonaws.com"),
        ("ap-southeast-4", "amazonaws.com"),
        ("af-south-1", "amazonaws.com"),
        ("il-central-1", "amazonaws.com"),
        ("mx-central-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-gov-west-1", "amazonaws.com"),
    ],
)
def test_a_presigned_url_names_the_host_of_its_region(
    region: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    for url in signed(Clients()):
        assert url == f"https://wharf-payloads.s3.{region}.{suffix}/{KEY}"


EMULATORS = ["http://127.0.0.1:4566", "http://localhost:4566", "http://emulator:14566"]


@pytest.mark.parametrize("emulator", EMULATORS)
def test_an_emulators_host_stays_as_it_is(emulator: str) -> None:
    for url in signed(Clients(), endpoint_url=emulator):
        assert url == f"{emulator}/wharf-payloads/{KEY}"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("emulator", EMULATORS)
def test_so_does_one_that_the_environment_names(
    variable: str, emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, emulator)

    for url in signed(Clients()):
        assert url == f"{emulator}/wharf-payloads/{KEY}"
