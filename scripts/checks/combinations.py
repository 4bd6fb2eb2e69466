"""The combinations of parameters that shape the template, and a choice of them that covers all its forms."""

import itertools
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Parameters = Mapping[str, str]

#: Values for every parameter that a condition, a rule or a key of a mapping refers to.
#: LeaseSeconds is left out, because it only selects a number. Values have the formats that AWS uses.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "Stage": ("dev", "prod"),
    "AuthMode": ("api-key", "iam", "cognito"),
    "UserPoolArn": ("", "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abcdefghi"),
    "KeyOwners": ("{}", '{"a1b2c3d4e5": "somebody"}'),
    "AdminOwners": ("", "iam-AIDACKCEVSQ6C2EXAMPLE"),
    "KmsKeyArn": ("", "arn:aws:kms:us-east-1:123456789012:key/6a4e2b1c-0000-4000-8000-000000000000"),
    "DomainName": ("", "api.example.com"),
    "CertificateArn": (
        "",
        "arn:aws:acm:us-east-1:123456789012:certificate/6a4e2b1c-0000-4000-8000-000000000000",
    ),
    "HostedZoneId": ("", "Z0123456789ABCDEFGHIJ"),
    "MaxWaitSeconds": ("0", "20"),
    "AlarmEmail": ("", "somebody@example.com"),
    "DeploymentAlarms": ("on", "off"),
    "GatewayLogRole": ("account", "stack"),
    "Webhooks": ("on", "off"),
    "Polling": ("on", "off"),
}
#: Parameters for places where AWS lacks something. No other parameter shapes the same properties, so all
#: others keep their defaults.
ELSEWHERE: Sequence[Parameters] = (
    {"Archiving": "off"},
    {"AWS::Partition": "aws-cn", "AuthMode": "iam"},
    {"AWS::Partition": "aws-us-gov", "AuthMode": "cognito"},
)


def combinations() -> Iterator[Parameters]:
    """Yield all combinations, also those that the template's rules forbid."""
    for values in itertools.product(*CHOICES.values()):
        yield dict(zip(CHOICES, values, strict=True))
    for different in ELSEWHERE:
        yield {**{name: default for name, (default, *_) in CHOICES.items()}, **different}


def covering(templates: Sequence[tuple[Parameters, Json]]) -> list[tuple[Parameters, Json]]:
    """Return a few of the templates that together have all forms that any of them has.

    A form is one body of a resource or an output, or one pair of parameter values.
    """
    has = [(one, {*itertools.combinations(one[0].items(), 2), *_forms(one[1])}) for one in templates]
    missing = set[Hashable]().union(*(found for _, found in has))
    chosen = []
    while missing:
        best, found = max(has, key=lambda one: len(one[1] & missing))
        chosen.append(best)
        missing -= found
    return chosen


def _forms(template: Json) -> Iterator[Hashable]:
    for section in ("Resources", "Outputs"):
        for name, body in template[section].items():
            yield section, name, json.dumps(body)
