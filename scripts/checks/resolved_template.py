"""template.yaml as CloudFormation deploys it with given parameters.

    expanded       what SAM makes of it
    broken_rules   why CloudFormation refuses these parameters
    resolved       conditions decided, maps looked up, parameters put in
    dangling       resources that are referred to but do not exist

References to resources and to the account stay, because only a deployment can resolve them.
A CloudFormation function that is not known here raises `LookupError`.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from samtranslator.translator.transform import transform

Json = dict[str, Any]
Parameters = Mapping[str, str]

#: Parameters that have no default. Their values do not matter here.
ALWAYS_GIVEN = {"Revision": "1"}
#: Parameters that CloudFormation sets by itself and conditions may name. Given ones replace them.
PSEUDO_PARAMETERS = {"AWS::Partition": "aws"}
NO_VALUE = {"Ref": "AWS::NoValue"}
PLACEHOLDER = re.compile(r"\$\{([^!}]+)\}")
SECTIONS_DECIDED = {"Parameters", "Rules", "Mappings", "Conditions"}


def expanded(template: Json) -> Json:
    """Return the template as SAM hands it to CloudFormation. SAM needs AWS_DEFAULT_REGION to be set."""
    given = copy.deepcopy(template)
    # The place of the code does not matter here, but SAM accepts only one in S3.
    given["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    result: Json = transform(given, ALWAYS_GIVEN, SimpleNamespace(load=dict))
    return result


def broken_rules(template: Json, parameters: Parameters) -> list[str]:
    """Return the messages that CloudFormation would refuse these parameters with."""
    evaluation = _Evaluation(template, parameters)
    return [
        assertion["AssertDescription"]
        for rule in template.get("Rules", {}).values()
        if evaluation.holds(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not evaluation.holds(assertion["Assert"])
    ]


def resolved(template: Json, parameters: Parameters) -> Json:
    evaluation = _Evaluation(template, parameters)
    here: Json = {
        section: evaluation.kept(body) if section in {"Resources", "Outputs"} else body
        for section, body in template.items()
        if section not in SECTIONS_DECIDED
    }
    for resource in here["Resources"].values():
        if "DependsOn" in resource:
            needed = resource["DependsOn"]
            listed = [needed] if isinstance(needed, str) else needed
            resource["DependsOn"] = [name for name in listed if name in here["Resources"]]
    return here


def dangling(template: Json) -> set[str]:
    named = {*references(template["Resources"]), *references(template.get("Outputs", {}))}
    return {name for name in named - template["Resources"].keys() if not name.startswith("AWS::")}


def references(part: Any) -> Iterator[str]:
    """Yield the names that a part of a template refers to."""
    match part:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from _names(text)
        case {"Fn::Sub": [text, variables]}:
            yield from set(_names(text)) - set(variables)
            yield from references(variables)
        case dict():
            for inner in part.values():
                yield from references(inner)
        case list():
            for inner in part:
                yield from references(inner)


def _names(text: str) -> Iterator[str]:
    return (found[1].partition(".")[0] for found in PLACEHOLDER.finditer(text))


class _Evaluation:
    def __init__(self, template: Json, parameters: Parameters) -> None:
        self._conditions: Json = template.get("Conditions", {})
        self._mappings: Json = template.get("Mappings", {})
        given = {**ALWAYS_GIVEN, **parameters}
        self._parameters = {name: given.get(name, value) for name, value in PSEUDO_PARAMETERS.items()} | {
            name: _typed(declared["Type"], given[name] if name in given else declared["Default"])
            for name, declared in template.get("Parameters", {}).items()
        }

    def kept(self, section: Json) -> Json:
        """Return the members of the section that have no condition, or one that holds."""
        return {
            name: self.value({key: part for key, part in body.items() if key != "Condition"})
            for name, body in section.items()
            if "Condition" not in body or self.holds({"Condition": body["Condition"]})
        }

    def holds(self, condition: Json) -> bool:
        match condition:
            case {"Condition": name}:
                return self.holds(self._conditions[name])
            case {"Fn::Equals": [one, other]}:
                # CloudFormation compares text, whatever the parameter's type.
                return str(self.value(one)) == str(self.value(other))
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
            case {"Fn::And": several}:
                return all(self.holds(one) for one in several)
            case {"Fn::Or": several}:
                return any(self.holds(one) for one in several)
        raise LookupError(f"unknown condition: {condition}")

    def value(self, part: Any) -> Any:
        match part:
            case dict() if any(key == "Ref" or key.startswith("Fn::") for key in part):
                return self._returned(part)
            case dict():
                pairs = ((key, self.value(inner)) for key, inner in part.items())
                return {key: inner for key, inner in pairs if inner != NO_VALUE}
            case list():
                return [inner for inner in map(self.value, part) if inner != NO_VALUE]
        return part

    def _returned(self, function: Json) -> Any:
        match function:
            case {"Ref": name}:
                return self._parameters.get(name, function)
            case {"Fn::GetAtt": _}:
                return function
            case {"Fn::If": [name, yes, no]}:
                return self.value(yes if self.holds({"Condition": name}) else no)
            case {"Fn::FindInMap": [name, first, second]}:
                return self._mappings[name][str(self.value(first))][second]
            case {"Fn::Join": [separator, whole]} | {"Fn::Split": [separator, whole]}:
                known = self._joined if "Fn::Join" in function else self._split
                return known(separator, self.value(whole))
            case {"Fn::Sub": given}:
                return self._substituted(*((given, {}) if isinstance(given, str) else given))
        raise LookupError(f"unknown function: {function}")

    def _joined(self, separator: str, items: list[Any]) -> Any:
        if all(isinstance(item, str) for item in items):
            return separator.join(items)
        return {"Fn::Join": [separator, items]}

    def _split(self, separator: str, text: Any) -> Any:
        return text.split(separator) if isinstance(text, str) else {"Fn::Split": [separator, text]}

    def _substituted(self, text: str, variables: Json) -> Any:
        values = {name: self.value(one) for name, one in variables.items()}
        known = self._parameters | {name: one for name, one in values.items() if isinstance(one, str)}
        left = {name: one for name, one in values.items() if name not in known}
        put_in = PLACEHOLDER.sub(lambda found: str(known.get(found[1], found[0])), text)
        if left:
            return {"Fn::Sub": [put_in, left]}
        return {"Fn::Sub": put_in} if "${" in put_in else put_in


def _typed(kind: str, value: Any) -> Any:
    if kind == "CommaDelimitedList":
        return str(value).split(",")
    if kind == "Number":
        return int(value) if str(value).isdigit() else float(value)
    return value
