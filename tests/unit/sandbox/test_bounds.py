"""The bounds of a report, within which it can be stored, announced and read back."""

import json
from typing import Any

import pytest

from app.domain.errors import ProblemCode
from app.domain.events import current_event
from app.domain.json import compact_json, parse_json
from app.domain.kinds import ATTRIBUTES_LIMIT_BYTES
from app.domain.objects.values import Artifact, Payload, Problem, Revision, Status
from app.sandbox.bounds import TooMuch, Unfit, check_summary, parse_reply
from app.sandbox.wire import ARTIFACTS, KIB, REPORT_BYTES
from app.storage.items import from_item, to_item
from tests.conftest import NOW, make_object

#: An item of the table holds 400 KB, names of attributes included.
ITEM_BYTES = 350_000
#: An event of the bus holds 256 KB where it does not hold 1 MB yet.
EVENT_BYTES = 256 * KIB


def nested(depth: int) -> str:
    """A summary that is itself the first level."""
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "nothing",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": 1, "a": 2}',
        '{"a": [{"b": {}, "b": []}]}',
        '{"a": 01}',
        '{"a": "\n"}',
        "{} {}",
    ],
)
def test_what_is_not_json_is_unfit(reply: str) -> None:
    with pytest.raises(Unfit):
        parse_reply(reply.encode())


def test_bytes_that_are_not_utf_8_are_unfit() -> None:
    with pytest.raises(Unfit):
        parse_reply('{"a": "é"}'.encode("latin-1"))


@pytest.mark.parametrize(
    "summary",
    [
        nested(33),
        '{"a":' + "[" * 32 + "]" * 32 + "}",
        f'{{"a": {10**38}}}',
        f'{{"a": -{10**38}}}',
        f'{{"a": 1{"0" * 10_000}}}',
        '{"a": 1e126}',
        '{"a": 1e999}',
        '{"a": -1e308}',
        '{"a": 1e-131}',
        json.dumps({"a" * 257: 1}),
        json.dumps({"a": "a" * 16_385}),
        json.dumps({"a": ["é" * 16_385]}),
        json.dumps({str(number): number for number in range(1_001)}),
        json.dumps({"a": [{str(number): number for number in range(600)}] * 2}),
        json.dumps({"a": list(range(13_000))}),
        '{"a": [' + ",".join(["1e15"] * 4_000) + "]}",
        json.dumps({"a": ["\0" * 3_000] * 4}),
        json.dumps({"a": ["é" * 12_000] * 3}, ensure_ascii=False),
    ],
    ids=range(18),
)
def test_what_is_more_than_can_be_kept_is_too_much(summary: str) -> None:
    with pytest.raises(TooMuch):
        check_summary(parse_reply(summary.encode()), most_bytes=REPORT_BYTES)


@pytest.mark.parametrize("depth", [900, 9_994, 30_000])
def test_what_some_parsers_take_and_others_do_not_is_too_deep(depth: int) -> None:
    with pytest.raises(TooMuch, match="deep"):
        check_summary(parse_reply(nested(depth).encode()), most_bytes=REPORT_BYTES)


@pytest.mark.parametrize("half", ['{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a": ["\\ud83d"]}'])
def test_half_a_character_is_unfit(half: str) -> None:
    with pytest.raises(Unfit):
        check_summary(parse_reply(half.encode()), most_bytes=REPORT_BYTES)


def fit() -> dict[str, Any]:
    return {
        "depth": parse_reply(nested(31).encode()),
        "numbers": [0, -0.0, True, 10**38 - 1, 1 - 10**38, 9.9e125, -1e-130, 5e-2, 2**63, None],
        "n" * 256: {"text": "t" * 16_384, "": "", "😀": "\0 \u2028 \uffff 😀"},
        "names": {str(number): [] for number in range(900)},
        "bytes": ["x" * 10_000] * 3,
    }


def test_what_is_at_the_bounds_passes_and_is_read_back_as_it_was() -> None:
    summary = parse_reply(json.dumps(fit()).encode())

    check_summary(summary, most_bytes=REPORT_BYTES)

    assert summary == fit()
    assert parse_json(compact_json(summary)) == summary


def test_the_bound_on_bytes_is_of_what_is_stored() -> None:
    summary = {"a": [1e15] * 10}
    stored = len(compact_json(summary).encode())

    check_summary(summary, most_bytes=stored)

    with pytest.raises(TooMuch, match="bytes"):
        check_summary(summary, most_bytes=stored - 1)


def test_a_large_report_has_a_place_beside_everything_else_at_its_largest() -> None:
    """It fits into the table, the history and the bus, and is read back from there."""
    summary = {"a": ["\\" * 10_000] * 3, "b": "c" * (REPORT_BYTES - 60_100)}
    check_summary(summary, most_bytes=REPORT_BYTES)
    hexadecimal = "f" * 64
    size = 5 * 10**9
    artifacts = tuple(
        Artifact(f"{number:0128}", "a" * 60 + "/" + "b" * 60, size, hexadecimal)
        for number in range(ARTIFACTS)
    )
    stored = make_object(
        name="😀" * 256,
        labels={f"{number:064}": "😀" * 64 for number in range(32)},
        attributes={"a": "x" * (ATTRIBUTES_LIMIT_BYTES - 10)},
        status=Status.READY,
        newest=Revision(10_000, "t" * 255, size, hexadecimal, NOW),
        payload=Payload("t" * 255, size, hexadecimal, 10_000),
        summary=summary,
        artifacts=artifacts,
        problem=Problem(ProblemCode.INVALID_CONTENT, "é" * 1_000),
    )

    item = to_item(stored)
    text = current_event(stored).text

    assert len(compact_json(summary).encode()) > REPORT_BYTES - 200
    assert len(compact_json(item).encode()) < ITEM_BYTES
    assert len(text.encode()) < EVENT_BYTES
    assert from_item(item) == stored
    assert parse_json(text)["data"]["result"]["summary"] == summary
