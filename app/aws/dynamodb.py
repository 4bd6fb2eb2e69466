"""Calls DynamoDB by signed HTTP requests of our own, which take a third of the time of botocore's.

A request to the API waits most of its time for such calls, and a start of the API most of its time for
botocore to load. The client has the operations, errors and retries of botocore's, as far as this service
uses them, and passes everything on as it is. Tests compare the two. SIGNED_CALLS=off goes back to botocore.
"""

import json
import os
import random
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partialmethod
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from app.aws.connections import Connections
from app.aws.counting import count_call
from app.aws.signature import Credentials, Scope, signed

MOST_RETRIES = 3
#: botocore repeats a call after these, in its standard mode (AWS SDKs and Tools Reference Guide, "Retry
#: behavior").
RETRIED_STATUSES = frozenset({500, 502, 503, 504})
RETRIED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
#: Regions of the partition `aws`. Others have other hosts.
REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+")
#: A scheme, a host and perhaps a port.
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?/?")
#: Key id, secret and token, if there is one. Others could not stand in a header as they are.
KEYS = re.compile(r"[!-~]+ [!-~]+ [!-~]*")
#: With one of these set, botocore makes the calls: it knows other hosts, proxies, and credentials that are
#: renewed.
FOR_BOTOCORE = (
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "http_proxy",
    "https_proxy",
)
#: Without the spaces that json.dumps writes.
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Access:
    """Where DynamoDB answers, and who asks it."""

    endpoint: SplitResult
    region: str
    credentials: Credentials


def access() -> Access | None:
    """Return what the environment says, as Lambda sets it; None if calls must go through botocore."""
    given = os.environ
    region = given.get("AWS_DEFAULT_REGION", "")
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key_id, secret, token = (given.get(name, "") for name in names)
    url = given.get("AWS_ENDPOINT_URL_DYNAMODB") or given.get("AWS_ENDPOINT_URL")
    url = url or f"https://dynamodb.{region}.amazonaws.com"
    is_off = given.get("SIGNED_CALLS") == "off" or any(given.get(name) for name in FOR_BOTOCORE)
    is_known = REGION.fullmatch(region) and ENDPOINT.fullmatch(url)
    if is_off or not is_known or not KEYS.fullmatch(f"{key_id} {secret} {token}"):
        return None
    return Access(urlsplit(url), region, Credentials(key_id, secret, token or None))


class ConditionalCheckFailedException(ClientError):
    """An item is not as a write wants it."""


class TransactionCanceledException(ClientError):
    """A transaction was not made. The response has the reasons."""


#: The errors that callers tell from others.
KNOWN = {error.__name__: error for error in (ConditionalCheckFailedException, TransactionCanceledException)}


class DynamoDB:
    """A client with the methods of botocore's. Threads may share it: each call has a connection alone."""

    #: The errors as its attributes, where botocore's clients have them too.
    exceptions = SimpleNamespace(**KNOWN)

    def __init__(self, access: Access) -> None:
        self._access = access
        self._connections = Connections(access.endpoint)
        self._scope = Scope(access.credentials, access.region, day="")

    def _call(self, operation: str, /, **request: Any) -> dict[str, Any]:
        """Return what DynamoDB answers. Raises ClientError, or botocore's errors of connections."""
        body = _encode(request).encode()
        began, retries, status = perf_counter(), 0, None
        try:
            while True:
                try:
                    content = self._ask(operation, body)
                    status = 200
                    return content
                except (ClientError, NoConnection, HTTPClientError) as fault:
                    status = _status(fault)
                    if retries == MOST_RETRIES or not _may_pass(fault):
                        raise
                time.sleep(random.random() * 2**retries)  # noqa: S311  # so that not all come back at once
                retries += 1
        finally:
            seconds = perf_counter() - began
            count_call(f"dynamodb.{operation}", seconds=seconds, retries=retries, status=status)

    batch_get_item = partialmethod(_call, "BatchGetItem")
    batch_write_item = partialmethod(_call, "BatchWriteItem")
    get_item = partialmethod(_call, "GetItem")
    put_item = partialmethod(_call, "PutItem")
    query = partialmethod(_call, "Query")
    scan = partialmethod(_call, "Scan")
    update_item = partialmethod(_call, "UpdateItem")

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        """Make a transaction. DynamoDB knows its repetitions by the token."""
        return self._call("TransactWriteItems", ClientRequestToken=str(uuid4()), **request)

    def get_paginator(self, operation: str) -> "Paginator":
        return Paginator(getattr(self, operation))

    def close(self) -> None:
        """Close the connections that no call is using. The next call opens a new one."""
        self._connections.close()

    def _ask(self, operation: str, body: bytes) -> dict[str, Any]:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._access.endpoint.netloc,
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        now = datetime.now(UTC)
        scope = self._scope
        if scope.day != (day := f"{now:%Y%m%d}"):
            self._scope = scope = replace(scope, day=day)
        headers = signed(scope, headers, body, now=now)
        answer, content = self._connections.post(body, {**headers, "user-agent": "wharf"})
        if answer.headers.get("x-amz-crc32") not in (None, str(zlib.crc32(content))):
            raise HTTPClientError(error="The answer's checksum is wrong.")
        found = _object_in(content)
        if answer.status >= 300:
            raise _error(answer.status, found or {}, operation)
        if answer.status != 200 or found is None:
            raise HTTPClientError(error="The answer is not one of DynamoDB's.")
        return found


@dataclass(frozen=True, slots=True)
class Paginator:
    """Asks for one page after another, as botocore's paginators do."""

    ask: Any

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """Yield each page of a query or scan."""
        page = self.ask(**request)
        yield page
        while "LastEvaluatedKey" in page:
            page = self.ask(**{**request, "ExclusiveStartKey": page["LastEvaluatedKey"]})
            yield page


def _object_in(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object, None if it is not one."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _error(status: int, found: Mapping[str, Any], operation: str) -> ClientError:
    """Return the error in an answer (Smithy specification, "AWS JSON 1.0 protocol")."""
    code = str(found.get("__type", status)).partition(":")[0].rpartition("#")[2]
    message = found.get("message") or found.get("Message") or ""
    response: Any = {
        **found,
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return KNOWN.get(code, ClientError)(response, operation)


def _status(fault: Exception) -> int | None:
    return fault.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(fault, ClientError) else None


def _may_pass(fault: Exception) -> bool:
    """True if the same call may succeed in a moment."""
    if not isinstance(fault, ClientError):
        return True
    return _status(fault) in RETRIED_STATUSES or fault.response["Error"]["Code"] in RETRIED_CODES
