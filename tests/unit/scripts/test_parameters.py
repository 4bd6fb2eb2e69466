"""The parameters of a deployment: which ones win, which are refused, and how they reach SAM."""

import pytest

from scripts.ops.parameters import FRACTIONS, as_override, declared, objections, parameters_of


def test_what_is_given_wins_over_what_is_configured() -> None:
    found = parameters_of("prod", ["AuthMode=iam", "LogRetentionDays=365", "KeyOwners={}"])

    assert found == {
        "Stage": "prod",
        "LogRetentionDays": "365",
        "DeploymentAlarms": "on",
        "AuthMode": "iam",
        "KeyOwners": "{}",
    }


def test_a_value_may_have_an_equals_sign() -> None:
    assert parameters_of("dev", ["CallbackUrls=https://a.test/?b=c"])["CallbackUrls"] == "https://a.test/?b=c"


@pytest.mark.parametrize(("stage", "days"), [("dev", "7"), ("prod", "90")])
def test_each_stage_has_its_own(stage: str, days: str) -> None:
    assert parameters_of(stage, []) == {"Stage": stage, "LogRetentionDays": days, "DeploymentAlarms": "on"}


def test_alarms_are_off_for_one_deployment_only() -> None:
    """A parameter that is left out keeps its value, so the next deployment has to name it."""
    assert parameters_of("prod", ["DeploymentAlarms=off"])["DeploymentAlarms"] == "off"
    assert parameters_of("prod", [])["DeploymentAlarms"] == "on"


@pytest.mark.parametrize(
    ("value", "override"),
    [
        ("prod", 'Name="prod"'),
        ("", 'Name=""'),
        ("two words", 'Name="two words"'),
        ('{"a1":"key-b2"}', r'Name="{\"a1\":\"key-b2\"}"'),
    ],
)
def test_a_value_reaches_sam_whole(value: str, override: str) -> None:
    assert as_override("Name", value) == override


@pytest.mark.parametrize(
    ("override", "objection"),
    [
        ("MaxObject=5", "MaxObject is not a parameter of template.yaml (docs/deploying.md has them)."),
        ("maxobjects=5", "maxobjects is not a parameter of template.yaml (docs/deploying.md has them)."),
        ("MaxObjects", "MaxObjects is not a parameter: write Name=Value."),
        ("WorkerConcurency", "WorkerConcurency is not a parameter: write Name=Value."),
        ("=5", " is not a parameter of template.yaml (docs/deploying.md has them)."),
        (
            "WorkerConcurrency=ten",
            "WorkerConcurrency=ten is refused: it must be a whole number from 2 up to 1000.",
        ),
        ("WorkerConcurrency=", "WorkerConcurrency= is refused: it must be a whole number from 2 up to 1000."),
        (
            "WorkerConcurrency=2.5",
            "WorkerConcurrency=2.5 is refused: it must be a whole number from 2 up to 1000.",
        ),
        (
            "WorkerConcurrency=1",
            "WorkerConcurrency=1 is refused: it must be a whole number from 2 up to 1000.",
        ),
        (
            "WorkerConcurrency=1001",
            "WorkerConcurrency=1001 is refused: it must be a whole number from 2 up to 1000.",
        ),
        ("MaxBytes=-1", "MaxBytes=-1 is refused: it must be a whole number from 0."),
        ("DebugSampleRate=1.5", "DebugSampleRate=1.5 is refused: it must be a number from 0 up to 1."),
        ("DebugSampleRate=nan", "DebugSampleRate=nan is refused: it must be a number from 0 up to 1."),
        ("AuthMode=local", "AuthMode=local is refused: it must be one of api-key, iam, cognito."),
        (
            "LeaseSeconds=301",
            "LeaseSeconds=301 is refused: it must be one of 10, 30, 60, 120, 300, 600, 900.",
        ),
        (
            "SignInUrl=http://example.com",
            "SignInUrl=http://example.com is refused: it must be text that matches (https://[0-9A-Za-z.-]+)?.",
        ),
    ],
)
def test_what_the_template_does_not_take_is_refused_in_a_sentence(override: str, objection: str) -> None:
    assert list(objections([override], parameters_of("dev", [override]))) == [objection]


def test_each_mistake_is_told() -> None:
    overrides = ["MaxObject=5", "WorkerConcurrency=ten"]

    assert len(list(objections(overrides, parameters_of("prod", overrides)))) == 2


@pytest.mark.parametrize(
    "override",
    [
        "AlarmEmail=",
        "SignInUrl=",
        "AdminOwners=iam-AIDAEXAMPLE,iam-AIDAOTHER",
        "DebugSampleRate=0.01",
        "DebugSampleRate=1",
        "WorkerConcurrency=1000",
        "RequestsPerSecond=0100",
        "CorsOrigins=https://app.example.com,https://example.com",
        "LeaseSeconds=900",
        "Webhooks=off",
    ],
)
def test_what_the_template_takes_is_not_refused(override: str) -> None:
    assert list(objections([override], parameters_of("dev", [override]))) == []


def test_the_defaults_are_what_the_template_takes() -> None:
    defaults = {name: str(one["Default"]) for name, one in declared().items()}

    assert list(objections([], defaults)) == []
    assert {"Number"} == {declared()[name]["Type"] for name in FRACTIONS}
