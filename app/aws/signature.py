"""Signs requests to DynamoDB (AWS General Reference, "Signature Version 4 signing process").

botocore signs for every service and form of request. This does it for one: POST to `/` without a query.
A test compares the two, header by header.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    key_id: str
    secret: str
    #: A role has one, users have none.
    token: str | None


@dataclass(frozen=True)
class Scope:
    """A key for the requests of one day, derived once."""

    credentials: Credentials
    region: str
    #: Written as YYYYMMDD, in UTC.
    day: str

    @cached_property
    def name(self) -> str:
        return f"{self.day}/{self.region}/dynamodb/aws4_request"

    @cached_property
    def key(self) -> bytes:
        key = f"AWS4{self.credentials.secret}".encode()
        for part in self.name.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def signed(scope: Scope, headers: Mapping[str, str], body: bytes, *, now: datetime) -> dict[str, str]:
    """Return the headers with the date, the token and the signature.

    The names of `headers` are in lower case, and the host is among them.
    """
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    token = scope.credentials.token
    all_headers = {**headers, "x-amz-date": moment} | ({"x-amz-security-token": token} if token else {})
    names = sorted(all_headers)
    signed_names = ";".join(names)
    lines = [f"{name}:{all_headers[name]}" for name in names]
    request = "\n".join(["POST", "/", "", *lines, "", signed_names, sha256(body).hexdigest()])
    text = "\n".join([ALGORITHM, moment, scope.name, sha256(request.encode()).hexdigest()])
    signature = hmac.digest(scope.key, text.encode(), "sha256").hex()
    authorization = (
        f"{ALGORITHM} Credential={scope.credentials.key_id}/{scope.name}, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )
    return {**all_headers, "authorization": authorization}
