"""The life of an object after it is ready, on the running stack."""

import pytest

from app.domain.usage import VERSION_BYTES
from tests.system.client import Client, eventually, send
from tests.system.conftest import Runtime

FIRST, SECOND = b"a,b\n1,2\n", b"a,b\n3,4\n5,6\n"


@pytest.fixture(scope="module")
def client(running: Runtime) -> Client:
    return Client(running.url, {"X-Owner": "lifecycle"})


def rows(client: Client, object_id: str) -> int:
    return int(client.wait_until_settled(object_id)["result"]["summary"]["rows"])


def test_a_new_revision_takes_over_once_it_is_ready(client: Client, running: Runtime) -> None:
    object_id = client.upload("dataset", "n.csv", "text/csv", FIRST)
    before = rows(client, object_id)

    url = f"{client.url}/v1/objects/{object_id}/payload"
    put = send("PUT", url, body=SECOND, headers={**client.headers, "Content-Type": "text/csv"})
    after = rows(client, object_id)

    assert (before, put.status, after) == (1, 202, 2)
    assert client.get(f"/v1/objects/{object_id}/payload").body == SECOND
    storage = Storage(running)
    assert eventually(lambda: {key.split("/")[3] for key in storage.keys(object_id)} == {"2"})
    client.wait_for_history(
        object_id,
        "object.created",
        "object.processing",
        "object.ready",
        "object.upload_requested",
        "object.processing",
        "object.ready",
    )


def test_a_rejected_revision_leaves_the_ready_one_downloadable(client: Client) -> None:
    object_id = client.upload("dataset", "n.csv", "text/csv", FIRST)
    client.wait_until_settled(object_id)

    url = f"{client.url}/v1/objects/{object_id}/payload"
    send("PUT", url, body=b"%PDF-1.7", headers={**client.headers, "Content-Type": "text/csv"})
    found = client.wait_until_settled(object_id)

    assert (found["status"], found["problem"]["code"]) == ("rejected", "media_type_mismatch")
    assert client.get(f"/v1/objects/{object_id}/payload").body == FIRST


def test_reprocessing_runs_the_pipeline_again(client: Client) -> None:
    object_id = client.upload("dataset", "n.csv", "text/csv", FIRST)
    ready = client.wait_until_settled(object_id)

    answer = client.post(f"/v1/objects/{object_id}/reprocess", b"")
    again = client.wait_until_settled(object_id)

    assert (answer.status, answer.json()["status"]) == (202, "pending")
    assert (again["status"], again["version"]) == ("ready", ready["version"] + 3)
    assert client.history(object_id)[3] == "object.reprocess_requested"


def test_a_deleted_object_leaves_no_payload_artifact_or_history(client: Client, running: Runtime) -> None:
    object_id = client.upload("dataset", "n.csv", "text/csv", FIRST)
    client.wait_until_settled(object_id)
    storage = Storage(running)
    assert len(storage.keys(object_id)) == 4

    deleted = send("DELETE", f"{client.url}/v1/objects/{object_id}", headers=client.headers)

    assert deleted.status == 204
    assert client.get(f"/v1/objects/{object_id}").status == 404
    assert eventually(lambda: storage.keys(object_id) == [])
    assert eventually(lambda: storage.sort_keys(object_id) == ["object"])


class Storage:
    """The table and the bucket of the running stack."""

    def __init__(self, running: Runtime) -> None:
        stacks = running.client("cloudformation").describe_stacks(StackName="wharf")
        outputs = {found["OutputKey"]: found["OutputValue"] for found in stacks["Stacks"][0]["Outputs"]}
        self._table, self._bucket = outputs["TableName"], outputs["BucketName"]
        self._dynamodb = running.client("dynamodb")
        self._s3 = running.client("s3")

    def keys(self, object_id: str) -> list[str]:
        found = self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])
        return [item["Key"] for item in found if f"/{object_id}/" in item["Key"]]

    def sort_keys(self, object_id: str) -> list[str]:
        found = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"local-lifecycle#{object_id}"}},
        )
        # The key of a purged event is left for a while, as the proof that the event was counted.
        return [item["sk"]["S"] for item in found["Items"] if "purge_at" not in item]


def test_usage_follows_what_is_there(running: Runtime) -> None:
    client = Client(running.url, {"X-Owner": "usage"})

    def usage() -> tuple[int, int]:
        found = client.get("/v1/usage").json()
        return found["objects"], found["bytes"]

    object_id = client.upload("dataset", "n.csv", "text/csv", FIRST)
    client.create({"kind": "record", "name": "n"})
    ready = client.wait_until_settled(object_id)
    artifacts = sum(artifact["size"] for artifact in ready["result"]["artifacts"])
    record = len("{}") + VERSION_BYTES
    dataset = len(FIRST) + artifacts + len("{}") + ready["version"] * VERSION_BYTES
    assert eventually(lambda: usage() == (2, record + dataset))

    send("DELETE", f"{client.url}/v1/objects/{object_id}", headers=client.headers)
    assert eventually(lambda: usage() == (1, record))
