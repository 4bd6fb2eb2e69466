"""The parameters of a deployment: the configured and the given ones, and why template.yaml refuses one.

SAM drops a parameter that the template does not have, and CloudFormation refuses a wrong value only
after everything is built. So both are looked for here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from app.local.aws.template import TEMPLATE

Json = dict[str, Any]

CONFIGURATION = Path(__file__).parents[2] / "samconfig.toml"
CONFIGURED_AS = {"dev": "default"}
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: The numbers that need not be whole. CloudFormation itself has one type for both.
FRACTIONS = frozenset({"DebugSampleRate", "RequestsPerSecond", "KeyRequestsPerSecond", "LinksPerSecond"})


def declared() -> Json:
    """Return the parameters that template.yaml declares, by name."""
    parameters: Json = yaml_parse(TEMPLATE.read_text())["Parameters"]
    return parameters


def parameters_of(stage: str, overrides: Sequence[str]) -> dict[str, str]:
    """Return the stage's parameters from samconfig.toml, replaced by `overrides` where both name one.

    `sam deploy` itself would take only one of the two lists.
    """
    configured = tomllib.loads(CONFIGURATION.read_text())[CONFIGURED_AS.get(stage, stage)]
    words = [*configured["deploy"]["parameters"]["parameter_overrides"], *overrides]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def objections(overrides: Sequence[str], parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield in a sentence each why the parameters cannot be deployed: a word, a name or a value is wrong."""
    unclear = [word for word in overrides if "=" not in word]
    yield from (f"{word} is not a parameter: write Name=Value." for word in unclear)
    known = declared()
    for name, value in parameters.items():
        if name in unclear:
            continue
        if name not in known:
            yield f"{name} is not a parameter of template.yaml (docs/deploying.md has them)."
        elif wanted := _wanted(name, known[name], value):
            yield f"{name}={value} is refused: it must be {wanted}."


def _wanted(name: str, parameter: Json, value: str) -> str | None:
    """Return how the value must be; None if it is so."""
    if allowed := parameter.get("AllowedValues"):
        texts = [str(one) for one in allowed]
        return None if value in texts else f"one of {', '.join(texts)}"
    if pattern := parameter.get("AllowedPattern"):
        return None if re.fullmatch(pattern, value) else f"text that matches {pattern}"
    if parameter["Type"] == "Number":
        return None if _is_number(name, parameter, value) else _range(name, parameter)
    return None


def _is_number(name: str, parameter: Json, value: str) -> bool:
    if not NUMBER.fullmatch(value) or ("." in value and name not in FRACTIONS):
        return False
    least, most = parameter.get("MinValue", value), parameter.get("MaxValue", value)
    return float(least) <= float(value) <= float(most)


def _range(name: str, parameter: Json) -> str:
    bounds = [("from", "MinValue"), ("up to", "MaxValue")]
    limits = [f" {word} {parameter[bound]}" for word, bound in bounds if bound in parameter]
    return f"a {'number' if name in FRACTIONS else 'whole number'}{''.join(limits)}"


def as_override(name: str, value: str) -> str:
    """Return the parameter quoted for `sam deploy`, which ends a bare value at a space or a quote."""
    escaped = value.replace('"', '\\"')
    return f'{name}="{escaped}"'
