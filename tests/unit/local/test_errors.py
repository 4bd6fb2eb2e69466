"""Faults that are expected are told in one line."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError, create_parser
from botocore.session import get_session

from app.local.errors import AWS_FAULTS, one_line
from scripts.ops import stages


def unreadable() -> Exception:
    """Return botocore's error for an answer that is not the XML that it expects of CloudFormation."""
    model = get_session().get_service_model("cloudformation").operation_model("DescribeStacks")
    assert model.output_shape is not None
    answer = {
        "status_code": 503,
        "headers": {},
        "body": b"{\n}",
        "context": {"operation_name": "DescribeStacks"},
    }
    with pytest.raises(ResponseParserError) as raised:
        create_parser("query").parse(answer, model.output_shape)
    return raised.value


FAULTS = {
    "unreadable": unreadable(),
    "away": EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    "refused": ClientError({"Error": {"Code": "Throttling", "Message": "one\n\ntwo"}}, "CreateStack"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_aws_is_told_in_one_line(fault: Exception) -> None:
    def fail() -> int:
        raise fault

    with pytest.raises(SystemExit) as ended:
        stages.run(fail)

    assert isinstance(fault, AWS_FAULTS)
    assert ended.value.code == f"wharf: {one_line(fault)}"
    assert "\n" not in one_line(fault)
