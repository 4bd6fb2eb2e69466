"""The findings of the linters in the template that are accepted.

A finding at a resource of template.yaml is accepted there, beside the resource. Accepted
here are findings at resources that SAM makes, and those of linters without such comments.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Finding(NamedTuple):
    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.where}: {self.what}"


ACCEPTED: Mapping[tuple[str, str], str] = {
    (
        "ES1001",
        "WorkerFunctionWork",
    ): "A failure destination is for streams; the work queue has a dead-letter queue instead.",
    (
        "ES1001",
        "RelayFunctionArrivals",
    ): "A failure destination is for streams; the arrival queue has a dead-letter queue instead.",
    (
        "ES1001",
        "SenderFunctionMessages",
    ): "A failure destination is for streams; the sender's queue has a dead-letter queue instead.",
    (
        "ES1001",
        "RelayFunctionChanges",
    ): "It has a failure destination, but where Lambda knows no buckets as such: China and GovCloud.",
    (
        "RESOURCE_MISMATCH",
        "RelayRole.relay",
    ): "ListStreams takes no resource, but stands in one statement with the stream's actions as in the "
    'DynamoDB Developer Guide, "IAM policy to allow a Lambda function to access stream records".',
}


def objections(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are not accepted, each once, and the acceptances that match no finding."""
    found = dict.fromkeys(findings)
    needless = ACCEPTED.keys() - {(one.rule, one.where) for one in found}
    return [
        *(one for one in found if (one.rule, one.where) not in ACCEPTED),
        *(Finding(rule, where, "accepted, but not found") for rule, where in sorted(needless)),
    ]
