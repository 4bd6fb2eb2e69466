"""A request is let in only as it was signed: botocore signs, and each part is then changed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from app.local.doors.signatures import Refused, Request, claim_of, verify

OURS = Credentials("000000000000", "secret")
HOST = "127.0.0.1:4566"
BODY = b'{"TableName":"objects"}'
KEYS = ["a/b", "a b+c", "ü~(1)", "a//b", "a%2Fb", "..", "%", "a&b=c", "x;y"]


@cache
def client(service: str) -> Any:
    session: Any = boto3.session.Session(OURS.access_key, OURS.secret_key, region_name="us-east-1")
    return session.client(service, endpoint_url=f"http://{HOST}", config=Config(signature_version="v4"))


def signed(body: bytes = BODY, *, service: str = "dynamodb", credentials: Credentials = OURS) -> Request:
    target = {"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", f"http://{HOST}/", {"Host": HOST, **target}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, "us-east-1").add_auth(request)
    return Request("POST", "/", "", lowered(dict(request.headers)))


def lowered(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def presigned(operation: str = "put_object", key: str = "a/b", seconds: int = 60, **more: Any) -> Request:
    params = {"Bucket": "bucket", "Key": key, **more}
    url = urlsplit(client("s3").generate_presigned_url(operation, Params=params, ExpiresIn=seconds))
    return Request("PUT" if operation == "put_object" else "GET", url.path, url.query, {"host": HOST})


def check(request: Request, body: bytes = BODY, *, later: timedelta = timedelta()) -> None:
    verify(request, claim_of(request), OURS, datetime.now(UTC) + later, body)


def with_headers(request: Request, **changed: str) -> Request:
    return replace(request, headers={**request.headers, **lowered_names(changed)})


def lowered_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def without(request: Request, name: str) -> Request:
    return replace(request, headers={one: value for one, value in request.headers.items() if one != name})


def test_what_botocore_signs_is_let_in() -> None:
    check(signed())
    check(signed(service="s3"))
    check(presigned())
    check(presigned("get_object"))


@pytest.mark.parametrize("key", KEYS)
def test_so_is_every_key(key: str) -> None:
    check(presigned("get_object", key))


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, method="PUT"),
        lambda request: replace(request, path="/other"),
        lambda request: replace(request, query="Action=CreateFunction"),
        lambda request: with_headers(request, host="localhost:4566"),
        lambda request: with_headers(request, x_amz_target="DynamoDB_20120810.DeleteTable"),
        lambda request: with_headers(request, content_type="text/plain"),
        lambda request: with_headers(request, x_amz_date="20260101T000000Z"),
        lambda request: with_headers(request, x_amz_copy_source="/bucket/key"),
        lambda request: with_headers(request, x_amz_content_sha256="0" * 64),
        lambda request: with_headers(request, x_amz_content_sha256="UNSIGNED-PAYLOAD"),
        lambda request: with_headers(request, authorization=request.headers["authorization"][:-1] + "g"),
        lambda request: with_headers(request, authorization="Basic dGVzdDp0ZXN0"),
        lambda request: without(request, "authorization"),
        lambda request: without(request, "x-amz-date"),
        lambda request: without(request, "x-amz-target"),
    ],
)
def test_a_signed_request_that_was_changed_is_refused(change: Callable[[Request], Request]) -> None:
    with pytest.raises(Refused):
        check(change(signed()))


def test_so_is_another_body() -> None:
    with pytest.raises(Refused):
        check(signed(), b'{"TableName":"another"}')


@pytest.mark.parametrize(
    "digest", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]
)
def test_only_a_presigned_url_leaves_the_body_unsigned(digest: str) -> None:
    request = AWSRequest("PUT", f"http://{HOST}/bucket/key", {"Host": HOST})
    request.headers["X-Amz-Content-SHA256"] = digest
    SigV4Auth(OURS, "s3", "us-east-1").add_auth(request)

    with pytest.raises(Refused, match="Only presigned URLs"):
        check(Request("PUT", "/bucket/key", "", lowered(dict(request.headers))))


@pytest.mark.parametrize("credentials", [Credentials("000000000000", "test"), Credentials("test", "secret")])
def test_so_is_another_key_or_secret(credentials: Credentials) -> None:
    """The key id alone is not a secret: every presigned URL shows it."""
    with pytest.raises(Refused):
        check(signed(credentials=credentials))


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, method="DELETE"),
        lambda request: replace(request, path="/bucket/other"),
        lambda request: replace(request, query=request.query + "&tagging"),
        lambda request: replace(request, query=request.query + "#&tagging"),
        lambda request: replace(request, path=request.path + "#"),
        lambda request: replace(request, query=request.query.replace("Expires=60", "Expires=600")),
        lambda request: replace(
            request, query=request.query.replace("X-Amz-Signature=", "X-Amz-Signature=0")
        ),
        lambda request: replace(request, query=request.query.replace("s3%2F", "lambda%2F")),
        lambda request: replace(request, query="&".join(request.query.split("&")[:-1])),
        lambda request: with_headers(request, host="localhost:4566"),
        lambda request: with_headers(request, x_amz_copy_source="/bucket/key"),
        lambda request: with_headers(request, x_amz_target="AWSLambda.Invoke"),
        lambda request: with_headers(request, content_type="application/x-www-form-urlencoded"),
        lambda request: with_headers(request, authorization=signed().headers["authorization"]),
    ],
)
def test_a_presigned_url_that_was_changed_is_refused(change: Callable[[Request], Request]) -> None:
    with pytest.raises(Refused):
        check(change(presigned()))


def test_nothing_follows_the_signed_query() -> None:
    """The signer would not see what follows a `#`; the emulator would."""
    request = presigned("get_object", ResponseContentType="text/csv")
    ordered = sorted(request.query.split("&"), key=lambda part: part.startswith("response-"))
    query = "&".join(ordered)

    check(replace(request, query=query))
    with pytest.raises(Refused):
        check(replace(request, query=f"{query}#&tagging"))


def test_only_urls_of_s3_may_be_presigned() -> None:
    session = boto3.session.Session(OURS.access_key, OURS.secret_key, region_name="us-east-1")
    url = urlsplit(
        session.client("sts", endpoint_url=f"http://{HOST}").generate_presigned_url("get_caller_identity")
    )

    with pytest.raises(Refused, match="Only URLs of S3"):
        check(Request("GET", url.path, url.query, {"host": HOST}), b"")


@pytest.mark.parametrize(
    ("sign", "later"),
    [
        (signed, timedelta(minutes=16)),
        (signed, timedelta(minutes=-16)),
        (presigned, timedelta(seconds=62)),
        (presigned, timedelta(minutes=-16)),
    ],
)
def test_a_signature_ends(sign: Callable[[], Request], later: timedelta) -> None:
    request = sign()

    check(request)
    with pytest.raises(Refused):
        check(request, later=later)


def test_a_presigned_url_lasts_a_week_at_most() -> None:
    with pytest.raises(Refused, match="expired"):
        check(presigned(seconds=8 * 24 * 3600))
