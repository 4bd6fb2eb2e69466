"""A script ends with one line that says what went wrong, and what may be the reason."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from scripts.ops import stages


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (refused("InvalidClientTokenId"), "the account may not have enabled this region"),
        (refused("UnrecognizedClientException"), "the account may not have enabled this region"),
        (refused("ValidationError"), "Is the stage deployed in this region?"),
        (refused("ResourceNotFoundException"), "Is the stage deployed in this region?"),
        (NoCredentialsError(), "Set AWS_PROFILE"),
        (NoRegionError(), "Set AWS_DEFAULT_REGION."),
        (refused("AccessDenied"), "No."),
    ],
    ids=lambda one: getattr(one, "response", {}).get("Error", {}).get("Code", type(one).__name__),
)
def test_what_may_be_the_reason_is_told_where_it_can_be(fault: Exception, told: str) -> None:
    def main() -> int:
        raise fault

    with pytest.raises(SystemExit) as ended:
        stages.run(main)

    [line] = str(ended.value.code).splitlines()
    assert line.startswith("wharf: ")
    assert told in line


def test_where_the_reason_is_plain_nothing_is_added() -> None:
    assert stages.hint(refused("AccessDenied")) == ""
