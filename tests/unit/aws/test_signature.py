"""Our signature is botocore's, for whatever is signed."""

from datetime import UTC, datetime
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from app.aws.signature import Credentials, Scope, signed

TEXT = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=60)
HOSTS = st.sampled_from(["dynamodb.eu-central-1.amazonaws.com", "127.0.0.1:4566", "localhost"])


class TheirSignature(SigV4Auth):
    """botocore's, at a moment of ours."""

    def __init__(self, credentials: Credentials, region: str, moment: str) -> None:
        theirs = TheirCredentials(credentials.key_id, credentials.secret, credentials.token)
        super().__init__(theirs, "dynamodb", region)
        self.moment = moment

    def add_auth(self, request: AWSRequest) -> None:
        """Do what botocore does behind its look at the clock."""
        request.context["timestamp"] = self.moment
        theirs: Any = self  # botocore's stubs leave most of it out
        theirs._modify_request_before_signing(request)
        text = theirs.string_to_sign(request, theirs.canonical_request(request))
        theirs._inject_signature_to_request(request, theirs.signature(text, request))


@given(
    body=st.binary(max_size=200),
    secret=TEXT,
    token=st.none() | TEXT,
    host=HOSTS,
    operation=st.sampled_from(["PutItem", "Query"]),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2039, 1, 1)),  # noqa: DTZ001  # the zone is added
)
@example(b"", "s", "t", "localhost", "PutItem", datetime(2024, 2, 29, 23, 59, 59))  # noqa: DTZ001  # as above
def test_it_is_botocores(
    body: bytes, secret: str, token: str | None, host: str, operation: str, now: datetime
) -> None:
    now = now.replace(tzinfo=UTC)
    credentials = Credentials("AKIDEXAMPLE", secret, token)
    headers = {"content-type": "application/x-amz-json-1.0", "host": host, "x-amz-target": f"D.{operation}"}
    theirs = AWSRequest("POST", f"http://{host}/", headers=dict(headers), data=body)
    TheirSignature(credentials, "eu-central-1", f"{now:%Y%m%dT%H%M%SZ}").add_auth(theirs)

    ours = signed(Scope(credentials, "eu-central-1", f"{now:%Y%m%d}"), headers, body, now=now)

    assert ours == {name.lower(): value for name, value in theirs.headers.items()}
