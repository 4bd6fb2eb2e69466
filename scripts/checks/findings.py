"""What linters object to, and what of it is accepted.

What is accepted in template.yaml stands there, at its resource. Here is what they find
at resources that SAM makes, and what they have no comment for.
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
    ): "Lambda has failure destinations for streams; a queue has its dead-letter queue.",
    (
        "RESOURCE_MISMATCH",
        "RelayRole.relay",
    ): "ListStreams, which knows no resources, stands with the stream's actions as in the "
    'DynamoDB Developer Guide, "IAM policy to allow a Lambda function to access stream records".',
}


def objections(findings: Iterable[Finding]) -> list[Finding]:
    """Those that nobody has accepted, each once, and the acceptances of what nobody found."""
    found = dict.fromkeys(findings)
    needless = ACCEPTED.keys() - {(one.rule, one.where) for one in found}
    return [
        *(one for one in found if (one.rule, one.where) not in ACCEPTED),
        *(Finding(rule, where, "accepted, but not found") for rule, where in sorted(needless)),
    ]
