"""botocore works with what is left of its description of AWS, and nothing that is used is left out."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import Loader
from moto import mock_aws

from scripts.build.service_models import trim, words_of

SHIPPED = Path(botocore.session.__file__).parent / "data"
SOURCE = """
client.put_item(TableName=table)
client.get_paginator("query").paginate(ConsistentRead=True)
client.generate_presigned_url("put_object")
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data of two services, trimmed for SOURCE."""
    folder = tmp_path_factory.mktemp("botocore")
    for path in SHIPPED.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    for name in ("dynamodb", "s3"):
        shutil.copytree(SHIPPED / name, folder / name)
    source = folder / "adapters.py"
    source.write_text(SOURCE)
    trim(folder, words_of([source]))
    return folder


@pytest.fixture
def session(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        session = botocore.session.get_session()
        loader = Loader([str(data)], include_default_search_paths=False)
        session.register_component("data_loader", loader)
        yield session


def test_the_operations_that_the_sources_name_are_kept_and_what_botocore_calls_itself(session: Any) -> None:
    operations = {
        name: set(session.create_client(name).meta.method_to_api_mapping.values())
        for name in ("dynamodb", "s3")
    }

    assert operations == {"dynamodb": {"PutItem", "Query"}, "s3": {"PutObject", "HeadBucket"}}


def test_what_is_kept_works(session: Any) -> None:
    whole: Any = botocore.session.get_session().create_client("dynamodb")
    whole.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"pk": {"S": "a"}, "m": {"M": {"documentation": {"L": [{"N": "1"}]}}}}
    client = session.create_client("dynamodb")

    client.put_item(TableName="t", Item=item)
    found = client.get_paginator("query").paginate(
        TableName="t",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "a"}},
    )

    assert [one for page in found for one in page["Items"]] == [item]
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.put_item(TableName="t", Item=item, ConditionExpression="attribute_not_exists(pk)")


def test_a_url_is_signed_as_with_all_operations(session: Any) -> None:
    asked = {"Params": {"Bucket": "wharf", "Key": "k", "IfNoneMatch": "*", "ContentLength": 4}}
    config = Config(s3={"addressing_style": "virtual"})
    sessions: list[Any] = [session, botocore.session.get_session()]
    urls = [
        one.create_client("s3", config=config).generate_presigned_url("put_object", **asked)
        for one in sessions
    ]

    assert [url.partition("?")[0] for url in urls] == ["https://wharf.s3.eu-central-1.amazonaws.com/k"] * 2


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-7"])
def test_endpoints_are_the_same_as_with_all_services(session: Any, region: str) -> None:
    whole = botocore.session.get_session()
    for name in ("dynamodb", "s3"):
        endpoints = [one.create_client(name, region).meta.endpoint_url for one in (session, whole)]

        assert endpoints[0] == endpoints[1]


def test_much_less_is_left(data: Path) -> None:
    def size(folder: Path) -> int:
        return sum(
            path.stat().st_size for name in ("dynamodb", "s3") for path in (folder / name).rglob("*.gz")
        )

    assert size(data) < size(SHIPPED) / 4
    assert (data / "endpoints.json").stat().st_size < (SHIPPED / "endpoints.json").stat().st_size / 20


def test_the_same_sources_give_the_same_files(data: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*.json*")}

    trim(data, words_of([data / "adapters.py"]))

    assert {path: path.read_bytes() for path in before} == before
