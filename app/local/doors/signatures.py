"""Checks if a request was signed with one secret: AWS Signature Version 4, in headers or in a presigned URL.

botocore's own signer computes the signature again, from what the request holds. A request in
which anything that matters is not signed is refused too (AWS General Reference, "Signature
Version 4": `host`, `content-type` and every `x-amz-` header are to be signed).
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<scope>[^,\s]+),\s*SignedHeaders=(?P<headers>[a-z0-9;-]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)
MOMENT = "%Y%m%dT%H%M%SZ"
SHA256 = re.compile(r"[0-9a-f]{64}")
#: How far the clocks of two processes of one machine may differ; AWS allows as much between machines.
SKEW = timedelta(minutes=15)
LONGEST = timedelta(days=7)
#: The signer would leave out what follows a `#`, which the emulator would not.
SIGNABLE = re.compile(r"/[!-\"$-~]*")
MISMATCH = (
    "The method, the address, the length or a header is not what was signed, "
    "or it was signed with the secret of another run."
)


class Refused(Exception):
    """The request is not let in. `code` is what AWS calls the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that a signature covers, but the body."""

    method: str
    #: The path as it was sent, still encoded.
    path: str
    query: str
    #: Values by lower-case name.
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """The claims of a request about its signature. None of them is proven yet."""

    scope: tuple[str, ...]
    signed: frozenset[str]
    signature: str
    moment: str
    #: How long a presigned URL is valid; None if the signature is in the headers.
    lasts: timedelta | None = None
    #: SHA-256 of the body, where the headers declare it.
    body_sha256: str | None = None

    @property
    def is_presigned(self) -> bool:
        return self.lasts is not None

    @property
    def service(self) -> str:
        return self.scope[3]

    @property
    def needs_body(self) -> bool:
        """True if the signature can only be computed with the body."""
        return not self.is_presigned and self.body_sha256 is None


def claim_of(request: Request) -> Claim:
    """Return what the request claims. Raises Refused if that could not be true."""
    if not SIGNABLE.fullmatch(f"{request.path}?{request.query}"):
        raise Refused(400, "InvalidURI", "The target cannot be signed.")
    given = parse_qs(request.query, keep_blank_values=True)
    in_query, in_headers = "X-Amz-Signature" in given, "authorization" in request.headers
    if in_query == in_headers:
        raise Refused(403, "AccessDenied", "Sign the request, once: in its headers or in its query.")
    claim = (
        _in_query({name: values[0] for name, values in given.items()}) if in_query else _in_headers(request)
    )
    if len(claim.scope) != 5 or claim.scope[1] != claim.moment[:8] or claim.scope[4] != "aws4_request":
        raise Refused(403, "SignatureDoesNotMatch", "The credential's scope is malformed.")
    for name in request.headers:
        matters = name in {"host", "content-type"} or name.startswith("x-amz-")
        if matters and name not in claim.signed:
            raise Refused(403, "AccessDenied", "There are headers in the request that were not signed.")
    if claim.is_presigned and claim.service != "s3":
        raise Refused(403, "AccessDenied", "Only URLs of S3 may be presigned.")
    return claim


def _in_query(given: Mapping[str, str]) -> Claim:
    lasts = given.get("X-Amz-Expires", "")
    if given.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" or not re.fullmatch("[0-9]{1,6}", lasts):
        raise Refused(403, "AccessDenied", "The query lacks a part of a signature.")
    return Claim(
        scope=tuple(given.get("X-Amz-Credential", "").split("/")),
        signed=frozenset(given.get("X-Amz-SignedHeaders", "").split(";")),
        signature=given["X-Amz-Signature"],
        moment=given.get("X-Amz-Date", ""),
        lasts=timedelta(seconds=int(lasts)),
    )


def _in_headers(request: Request) -> Claim:
    found = AUTHORIZATION.fullmatch(request.headers["authorization"])
    if not found:
        raise Refused(403, "AccessDenied", "Only AWS4-HMAC-SHA256 is understood.")
    scope = tuple(found["scope"].split("/"))
    digest = request.headers.get("x-amz-content-sha256")
    if digest is None and scope[3:4] == ("s3",):
        raise Refused(403, "MissingSecurityHeader", "S3 needs X-Amz-Content-SHA256.")
    if digest is not None and not SHA256.fullmatch(digest):
        raise Refused(403, "AccessDenied", "Only presigned URLs may leave the body unsigned.")
    return Claim(
        scope=scope,
        signed=frozenset(found["headers"].split(";")),
        signature=found["signature"],
        moment=request.headers.get("x-amz-date", ""),
        body_sha256=digest,
    )


def verify(
    request: Request, claim: Claim, credentials: Credentials, now: datetime, body: bytes = b""
) -> None:
    """Raise Refused unless the request was signed with these credentials, and still counts.

    `body` matters only if the claim needs it.
    """
    _check_time(claim, now)
    if claim.scope[0] != credentials.access_key:
        raise Refused(403, "InvalidAccessKeyId", "The key is not the one of this run.")
    if not hmac.compare_digest(_signature(request, claim, credentials, body), claim.signature):
        raise Refused(403, "SignatureDoesNotMatch", MISMATCH)


def _check_time(claim: Claim, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(claim.moment, MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise Refused(403, "AccessDenied", "X-Amz-Date is missing or malformed.") from None
    if signed_at > now + SKEW or (claim.lasts is None and signed_at < now - SKEW):
        raise Refused(403, "RequestTimeTooSkewed", "The request was not signed now.")
    if claim.lasts is not None and (claim.lasts > LONGEST or now >= signed_at + claim.lasts):
        raise Refused(403, "AccessDenied", "Request has expired")


def _signature(request: Request, claim: Claim, credentials: Credentials, body: bytes) -> str:
    query = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
    again = AWSRequest(
        request.method,
        f"http://{request.headers['host']}{request.path}?{query}",
        {name: request.headers[name] for name in claim.signed if name in request.headers},
        body,
    )
    again.context["timestamp"] = claim.moment
    region, service = claim.scope[2], claim.service
    signer: SigV4Auth
    if claim.is_presigned:
        signer = S3SigV4QueryAuth(credentials, service, region)
    else:
        signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region)
    canonical = signer.canonical_request(again)
    return signer.signature(signer.string_to_sign(again, canonical), again)
