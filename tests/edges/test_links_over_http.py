"""Share links over HTTP: status, headers and shape; the log names a link and never its token."""

import json
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from app.domain.objects.links import hash_of, link_token
from tests.conftest import Aws
from tests.edges.stored import ID, URL, Stored, behind
from tests.linked import LINK, TOKEN
from tests.statuses import PROFILE

LINKS = f"{URL}/links"
KEY = {"Idempotency-Key": "order-42"}


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    stored = behind(client, aws)
    stored.add("ready")
    return stored


def path_of(url: str) -> str:
    """Return the path of a link. The door of Lambda serves below the stage, and takes it off again."""
    return urlsplit(url).path.removeprefix("/dev")


@pytest.mark.usefixtures("stored")
def test_a_link_is_created_opened_listed_and_revoked(client: httpx2.Client) -> None:
    created = client.post(LINKS, json={"artifact": "profile.json", "expires_in": 60})
    link = created.json()
    opened = client.get(path_of(link["url"]))
    listed = client.get(LINKS).json()["items"]
    revoked = [client.delete(f"{LINKS}/{link['id']}") for _ in range(2)]

    assert (created.status_code, created.headers["Cache-Control"]) == (201, "no-store")
    assert (link["artifact"], link["disposition"]) == ("profile.json", "attachment")
    assert opened.status_code == 303
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert parse_qs(urlsplit(opened.headers["Location"]).query)["X-Amz-Expires"] in (["60"], ["59"])
    assert listed == [{name: value for name, value in link.items() if name != "url"}]
    assert [answer.status_code for answer in revoked] == [204, 204]
    assert client.get(path_of(link["url"])).status_code == 404
    assert client.get(LINKS).json() == {"items": []}


@pytest.mark.usefixtures("stored")
def test_a_link_lasts_a_week_and_opens_the_payload_by_default(client: httpx2.Client) -> None:
    link = client.post(LINKS, json={}).json()

    assert (link["artifact"], link["disposition"]) == (None, "attachment")
    assert link["expires_at"][:10] > link["created_at"][:10]
    assert urlsplit(link["url"]).scheme in {"http", "https"}


@pytest.mark.usefixtures("stored")
def test_a_create_that_is_repeated_shows_the_same_url(client: httpx2.Client) -> None:
    first, again = (client.post(LINKS, json={"expires_in": 60}, headers=KEY) for _ in range(2))
    other = client.post(LINKS, json={"expires_in": 61}, headers=KEY)

    assert (again.status_code, again.json()) == (201, first.json())
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"artifact": "nothing.txt"}, "/artifact"),
        ({"artifact": ""}, "/artifact"),
        ({"artifact": 1}, "/artifact"),
        ({"disposition": "inline"}, "/disposition"),
        ({"disposition": "form-data"}, "/disposition"),
        ({"expires_in": 0}, "/expires_in"),
        ({"expires_in": 30 * 86_400 + 1}, "/expires_in"),
        ({"expires_in": "60"}, "/expires_in"),
        ({"expires_in": 1.5}, "/expires_in"),
        ({"expires_in": True}, "/expires_in"),
        ({"url": "https://app.example"}, "/url"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("stored")
def test_a_wrong_body_is_refused_and_leaves_nothing(
    client: httpx2.Client, body: dict[str, object], pointer: str
) -> None:
    answer = client.post(LINKS, json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert client.get(LINKS).json() == {"items": []}


def test_what_has_no_payload_yet_cannot_be_shared(client: httpx2.Client, aws: Aws) -> None:
    stored = behind(client, aws)
    stored.add("pending")
    record = stored.add_record(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10")

    answers = [client.post(f"/v1/objects/{id_}/links", json={}) for id_ in (ID, record.id)]

    assert [answer.json()["code"] for answer in answers] == ["payload_not_ready", "no_payload_allowed"]


def test_every_dead_link_is_one_and_the_same_404(client: httpx2.Client, stored: Stored) -> None:
    link = client.post(LINKS, json={}).json()
    client.delete(f"{LINKS}/{link['id']}")
    over = stored.add_link(expires_at=stored.now().created_at)
    dead = [
        "A" * 22,
        "x",
        f"{TOKEN}x",
        "%00",
        "é",
        path_of(link["url"])[3:],
        TOKEN,
        over.token_hash,
    ]

    answers = [client.get(f"/l/{token}") for token in dead]

    stored.add_link()
    assert client.get(f"/l/{TOKEN}").status_code == 303
    client.delete(URL)
    answers.append(client.get(f"/l/{TOKEN}"))
    assert {answer.status_code for answer in answers} == {404}
    assert len({what_is_told(answer) for answer in answers}) == 1


def test_no_guess_opens_a_link_although_it_is_near(client: httpx2.Client, stored: Stored) -> None:
    stored.add_link()
    near = {
        TOKEN.lower(),
        TOKEN.upper(),
        TOKEN.swapcase(),
        TOKEN[:-1],
        f"{TOKEN}=",
        f" {TOKEN}",
        hash_of(TOKEN),
    }
    near |= {f"{TOKEN[:place]}{other}{TOKEN[place + 1 :]}" for place in range(22) for other in "Aa0_"}
    guesses = (near | {link_token() for _ in range(200)}) - {TOKEN}

    opened = [guess for guess in guesses if client.get(f"/l/{guess}").status_code != 404]

    assert opened == []
    assert client.get(f"/l/{TOKEN}").status_code == 303


def what_is_told(answer: httpx2.Response) -> str:
    """Return headers and body without the request's id, and without the lengths that follow from it."""
    request_id = answer.headers["Request-Id"]
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "content-length")
    return json.dumps([headers, answer.text]).replace(request_id, "")


def test_each_opening_is_one_line_with_the_links_id_and_never_the_token(
    client: httpx2.Client, stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    stored.add_link()
    created = path_of(client.post(LINKS, json={}).json()["url"])
    caplog.clear()
    with caplog.at_level("DEBUG"):
        client.get(f"/l/{TOKEN}")
        client.get(created)

    [line, _] = [vars(record) for record in caplog.records if record.message == "request.done"]
    assert (line["operation"], line["link_id"], line["object_id"]) == ("openLink", LINK, ID)
    assert (line["owner"], line["status"]) == (stored.owner, 303)
    # Lines of libraries are cut to their templates before they are written.
    ours = [str(vars(record)) for record in caplog.records if record.name == "wharf"]
    assert not [line for line in ours if TOKEN in line or created[3:] in line]


@pytest.mark.usefixtures("stored")
def test_only_opened_links_may_be_embedded_by_other_origins(client: httpx2.Client) -> None:
    link = client.post(LINKS, json={}).json()
    paths = (URL, f"{URL}/payload", f"{URL}/artifacts/profile.json", LINKS, "/l/x", "/v1/objects?artifact=a")

    assert client.get(path_of(link["url"])).headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    policies = {client.get(path).headers["Cross-Origin-Resource-Policy"] for path in paths}
    assert policies == {"same-origin"}


class TestLists:
    def test_each_item_that_has_the_artifact_gets_a_url_of_it(
        self, client: httpx2.Client, stored: Stored
    ) -> None:
        stored.add_record(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10")
        stored.add("pending", id="22222222-9a0e-4e6f-8a51-2f1c7f1f6a10")

        found = client.get("/v1/objects?artifact=profile.json").json()["items"]

        urls = {item["id"]: item.get("artifact") for item in found}
        assert [object_id for object_id, artifact in urls.items() if artifact] == [ID]
        assert urlsplit(urls[ID]["url"]).path.endswith(f"artifacts/{stored.owner}/{ID}/1/{PROFILE.name}")
        assert urls[ID]["expires_at"] > found[0]["created_at"]
        assert "result" in found[0]

    @pytest.mark.parametrize("query", ["", "?artifact=nothing.txt", "?artifact=..%2F..%2Fsecret"])
    @pytest.mark.usefixtures("stored")
    def test_without_the_artifact_the_member_is_left_out(self, client: httpx2.Client, query: str) -> None:
        [item] = client.get(f"/v1/objects{query}").json()["items"]

        assert "artifact" not in item

    @pytest.mark.usefixtures("stored")
    def test_a_name_that_no_artifact_can_have_is_refused(self, client: httpx2.Client) -> None:
        for name in ("", "x" * 129):
            answer = client.get("/v1/objects", params={"artifact": name})

            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/artifact")

    def test_an_object_written_before_lists_had_artifacts_has_none_until_it_changes(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        aws.dynamodb.update_item(
            TableName=aws.table,
            Key={"pk": {"S": f"{stored.owner}#{ID}"}, "sk": {"S": "object"}},
            UpdateExpression="REMOVE payload.artifact_types",
        )
        before = client.get("/v1/objects?artifact=profile.json").json()["items"]
        client.patch(URL, json={"name": "new"})
        after = client.get("/v1/objects?artifact=profile.json").json()["items"]

        assert ["artifact" in item for item in (*before, *after)] == [False, True]
