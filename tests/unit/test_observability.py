"""The lines of the log, and what they measure."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from botocore.exceptions import ReadTimeoutError

from app.aws.clients import Clients
from app.domain.errors import FieldError, InvalidInput, InvalidPayload, NotFound, ProblemCode, Unavailable
from app.observability import begin_work, bind, current_work, described_fault, guarded, measure, sinks
from app.observability.guarding import FunctionFailed
from app.observability.logs import JsonFormatter, TextFormatter
from app.observability.measuring import NAMESPACE
from app.observability.metrics import METRICS, OBJECTS, OVERDUE_SECONDS, REQUEST_SECONDS, REQUESTS, Sample
from tests.captured import Captured
from tests.conftest import Aws
from tests.faults import answering, fail, lose_reply

PRIVATE = "sesame-open-7731"
BREAKS = ["\n", "\r", "\r\n", "\x00", "\x1b[2J", "\x85", "\u2028", "\u2029", "\u202e", "\ud800", '"', "\\"]


class Shown(Captured):
    """The lines of a logger of its own."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(formatter)
        self.logger = logging.Logger("wharf.shown")
        self.logger.addHandler(self.handler())


@pytest.fixture
def captured() -> Shown:
    return Shown(JsonFormatter(service="wharf"))


@pytest.fixture
def of_the_service() -> Iterator[Captured]:
    """Yield the lines of the service's log."""
    captured = Captured(JsonFormatter(service="wharf"))
    handler = captured.handler()
    logging.getLogger("wharf").addHandler(handler)
    try:
        yield captured
    finally:
        logging.getLogger("wharf").removeHandler(handler)


@pytest.mark.parametrize("text", [f"object.ready{char}level=ERROR forged" for char in BREAKS])
def test_nothing_in_a_line_can_begin_another(captured: Shown, text: str) -> None:
    captured.logger.error(text, extra={"object_name": text})
    captured.logger.error("next")

    assert captured.text.isascii()
    first, second = captured.lines
    assert (first["message"], first["object_name"]) == (text, text)
    assert second["message"] == "next"


@pytest.mark.parametrize("text", [f"a{char}b c=d" for char in BREAKS])
def test_nothing_in_a_line_for_a_person_can_begin_another_or_move_the_cursor(text: str) -> None:
    shown = Shown(TextFormatter())

    shown.logger.error("object.ready", extra={"object_name": text})
    shown.logger.error(text)

    assert shown.text.isascii()
    first, second = shown.text.splitlines()
    assert first.endswith(f" object.ready object_name={json.dumps(text)}")
    assert (first + second).isprintable()


def test_a_line_for_a_person_leaves_plain_values_plain() -> None:
    shown = Shown(TextFormatter())

    shown.logger.info("object.ready", extra={"rows": 3, "kind": "dataset", "outcome": "two words"})

    assert shown.text.rstrip().endswith(' INFO    object.ready rows=3 kind=dataset outcome="two words"')


def test_a_time_is_told_in_utc_to_the_millisecond(captured: Shown) -> None:
    captured.logger.info("object.ready")

    [line] = captured.lines
    assert line["timestamp"].endswith("+00:00")
    assert len(line["timestamp"]) == len("2026-03-01T09:30:00.000+00:00")


@pytest.mark.parametrize(
    "record",
    [
        {"msg": "object.ready", "rows": 3, "kind": None, "labels": {"a": [1, None]}, "at": 1.5},
        {"msg": "a text of several words: \u2028"},
        {"msg": "%s of %d", "args": ("one", 2)},
        {"msg": '{"a": 1}'},
        {"msg": "12"},
        {"msg": "true"},
        {"msg": {"a": None}},
        {"msg": ValueError(PRIVATE)},
        {
            "msg": "object.ready",
            "exception": "its own",
            "service": "another",
            "message": "own",
            "level": "own",
        },
    ],
    ids=str,
)
@pytest.mark.parametrize("trace", [None, "Root=1-65e19ff8-0b7e7d3a9a0e4e6f8a512f1c;Sampled=1"])
def test_a_line_is_the_one_that_powertools_makes(
    record: dict[str, Any], trace: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trace is not None:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    made = logging.makeLogRecord({"levelname": "INFO", "funcName": "test", "lineno": 7, **record})
    formatter = JsonFormatter(service="wharf")
    line = formatter.format(made)
    formatter.json_deserializer = json.loads

    assert line == LambdaPowertoolsFormatter.format(formatter, made)


class TestFaults:
    def test_what_a_library_says_of_a_value_is_not_logged_but_where_it_said_it(self, captured: Shown) -> None:
        try:
            try:
                int(PRIVATE)
            except ValueError as cause:
                raise LookupError(PRIVATE) from cause
        except LookupError:
            captured.logger.exception("request.crashed")

        [line] = captured.lines
        assert PRIVATE not in captured.text
        assert line["exception_name"] == "LookupError"
        assert "ValueError" in line["exception"]
        assert f"{__file__}:" in line["exception"]

    def test_a_fault_for_a_person_is_as_discreet(self) -> None:
        shown = Shown(TextFormatter())
        try:
            int(PRIVATE)
        except ValueError:
            shown.logger.exception("request.crashed")

        assert PRIVATE not in shown.text
        assert "in test_a_fault_for_a_person_is_as_discreet" in shown.text

    def test_a_fault_that_is_its_own_cause_is_told_once(self, captured: Shown) -> None:
        fault = LookupError()
        fault.__cause__ = fault
        try:
            raise fault
        except LookupError:
            captured.logger.exception("request.crashed")

        [line] = captured.lines
        assert line["exception"].count("LookupError") == 1

    def test_a_call_that_aws_never_answered_is_told_by_its_type(self) -> None:
        """botocore's have a `response`, which is None."""
        assert described_fault(ReadTimeoutError(endpoint_url=PRIVATE)) == "ReadTimeoutError"

    def test_notes_on_a_fault_are_not_logged(self, captured: Shown) -> None:
        try:
            fault = ValueError()
            fault.add_note(PRIVATE)
            raise fault
        except ValueError:
            captured.logger.exception("request.crashed")

        assert PRIVATE not in captured.text

    def test_what_may_quote_a_payload_or_a_request_is_not_kept(self) -> None:
        invalid = InvalidPayload(ProblemCode.INVALID_CONTENT, PRIVATE)
        refused = InvalidInput([FieldError(f"/{PRIVATE}", "Extra")])

        assert (described_fault(invalid), described_fault(refused)) == ("InvalidPayload", "InvalidInput")

    def test_what_this_service_says_is_kept(self) -> None:
        assert described_fault(Unavailable("AWS is busy: SlowDown")) == "Unavailable: AWS is busy: SlowDown"
        assert described_fault(NotFound("artifact")) == "NotFound: There is no such artifact."
        assert described_fault(KeyError(PRIVATE)) == "KeyError"

    def test_of_what_aws_says_the_code_and_the_operation_are_kept(self, aws: Aws) -> None:
        with pytest.raises(aws.dynamodb.exceptions.ResourceNotFoundException) as refused:
            aws.dynamodb.get_item(TableName=PRIVATE, Key={"pk": {"S": PRIVATE}})

        assert (
            described_fault(refused.value)
            == "ResourceNotFoundException: ResourceNotFoundException on GetItem"
        )


class TestGuard:
    def test_a_fault_is_logged_once_and_lambda_hears_of_it_without_its_words(
        self, of_the_service: Captured
    ) -> None:
        @guarded
        def handler(event: Any, _context: Any) -> Any:
            return int(event)

        with pytest.raises(FunctionFailed, match=r"^ValueError$") as failed:
            handler(PRIVATE, None)

        [line] = of_the_service.lines
        assert (line["message"], line["level"]) == ("function.failed", "ERROR")
        assert PRIVATE not in of_the_service.text
        assert failed.value.__cause__ is None
        assert failed.value.__suppress_context__

    def test_an_answer_passes(self) -> None:
        assert guarded(lambda event, _context: event)("answer", None) == "answer"


class TestWork:
    def test_the_fields_of_the_work_are_on_each_line(self, captured: Shown) -> None:
        with begin_work(correlation_id="r1", trace_id=None):
            captured.logger.info("one")
            bind(object_id="o1")
            captured.logger.info("two", extra={"object_id": "its own"})
        captured.logger.info("three")

        one, two, three = captured.lines
        assert (one["correlation_id"], "object_id" in one, "trace_id" in one) == ("r1", False, False)
        assert (two["correlation_id"], two["object_id"]) == ("r1", "its own")
        assert "correlation_id" not in three

    def test_work_within_work_begins_with_its_fields_and_keeps_its_own(self, captured: Shown) -> None:
        with begin_work(message_id="m1"):
            with begin_work(object_id="o1"):
                bind(kind="image")
                captured.logger.info("inner")
            captured.logger.info("outer")

        inner, outer = captured.lines
        assert (inner["message_id"], inner["object_id"], inner["kind"]) == ("m1", "o1", "image")
        assert "object_id" not in outer
        assert "kind" not in outer

    def test_what_is_bound_to_nothing_is_no_longer_what_it_was(self, captured: Shown) -> None:
        with begin_work(trace_id="t1"):
            bind(trace_id=None)
            captured.logger.info("one")

        [line] = captured.lines
        assert "trace_id" not in line

    def test_the_name_of_a_task_is_no_field(self, captured: Shown) -> None:
        async def log() -> None:
            captured.logger.info("one")

        asyncio.run(log())

        [line] = captured.lines
        assert "taskName" not in line

    def test_another_thread_has_work_of_its_own(self) -> None:
        seen = []
        with begin_work(correlation_id="r1"):
            thread = Thread(target=lambda: seen.append(current_work.get()))
            thread.start()
            thread.join()

        assert seen == [None]

    def test_calls_to_aws_are_counted_where_they_are_made(self, aws: Aws) -> None:
        with begin_work() as outer:
            aws.s3.list_buckets()
            with begin_work() as inner:
                aws.s3.list_buckets()
                aws.s3.generate_presigned_url("list_buckets")

        assert (outer.aws_calls, inner.aws_calls) == (2, 1)
        assert outer.costs()["aws_calls"] == 2
        assert outer.aws_seconds >= inner.aws_seconds > 0

    def test_a_call_that_is_refused_counts_too(self, aws: Aws) -> None:
        fail(aws.s3, "ListBuckets", answering(503))

        with begin_work() as work, pytest.raises(aws.s3.exceptions.ClientError):
            aws.s3.list_buckets()

        assert work.aws_calls == 1

    def test_what_the_sdk_tried_again_is_counted_although_nobody_answered(self, aws: Aws) -> None:
        lose_reply(aws.s3, "ListBuckets")

        with begin_work() as work:
            aws.s3.list_buckets()

        assert (work.aws_calls, work.costs()["aws_retries"]) == (1, 1)

    def test_each_call_is_told_in_the_details(self, aws: Aws, of_the_service: Captured) -> None:
        logging.getLogger("wharf").setLevel(logging.DEBUG)
        try:
            aws.s3.list_buckets()
        finally:
            logging.getLogger("wharf").setLevel(logging.INFO)

        [line] = of_the_service.lines
        assert (line["level"], line["message"], line["call"]) == ("DEBUG", "aws.called", "s3.ListBuckets")

    def test_details_are_not_told_by_default(self, aws: Aws, of_the_service: Captured) -> None:
        aws.s3.list_buckets()

        assert of_the_service.lines == []


def sampled(rate: str, **environment: str) -> int:
    """Return how many of 400 units of work tell their details."""
    script = """
from app.observability import logger, sample_details
for _ in range(400):
    sample_details()
    logger.debug("aws.called")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"POWERTOOLS_LOGGER_SAMPLE_RATE": rate, "PYTHONPATH": ".", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.count("aws.called")


def test_the_details_of_a_share_of_the_work_are_told_by_a_setting() -> None:
    assert sampled("0") == 0
    assert sampled("1") == 400
    # One half of 400 is outside of this by chance once in 10 ** 20 runs.
    assert 100 < sampled("0.5") < 300


def test_a_library_is_named_once_whatever_number_of_handlers_there_are() -> None:
    shown = Captured(JsonFormatter())
    library = logging.Logger("urllib3")
    for _ in range(2):
        library.addHandler(shown.handler())

    library.warning("Retrying %s", PRIVATE)

    assert [line["message"] for line in shown.lines] == ["urllib3: Retrying %s"] * 2


def test_in_lambda_libraries_speak_in_json_too_and_say_no_secrets() -> None:
    script = f"""
import logging, warnings
from app.observability import logger
logging.getLogger("botocore").debug("{PRIVATE}")
logging.getLogger("urllib3").warning("Retrying\\n(%s)", "once")
logging.getLogger("urllib3").warning("Retrying %s", "{PRIVATE}")
logging.getLogger("other").warning("NaN")
warnings.warn("{PRIVATE}")
logger.info("object.ready")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"AWS_LAMBDA_FUNCTION_NAME": "wharf-api", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines] == [
        "urllib3: Retrying\n(%s)",
        "urllib3: Retrying %s",
        "other: NaN",
        "library.warned",
        "object.ready",
    ]
    assert (lines[3]["category"], lines[3]["at"].rpartition(":")[0]) == ("UserWarning", "<string>")
    assert PRIVATE not in done.stdout + done.stderr
    assert done.stderr == ""


class TestMetrics:
    def test_a_line_carries_what_it_measures_in_the_embedded_metric_format(
        self, of_the_service: Captured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The specification (CloudWatch User Guide) asks for it: every name is a member of the line."""
        monkeypatch.setenv(NAMESPACE, "Wharf/wharf-dev")

        measure(
            "request.done",
            REQUESTS(1, operation="createObject", outcome="ok"),
            REQUEST_SECONDS(0.25, operation="createObject"),
            OVERDUE_SECONDS(3.0),
            status=201,
        )

        [line] = of_the_service.lines
        assert line["_aws"]["CloudWatchMetrics"] == [
            {
                "Namespace": "Wharf/wharf-dev",
                "Dimensions": [["operation", "outcome"]],
                "Metrics": [{"Name": "requests", "Unit": "Count"}],
            },
            {
                "Namespace": "Wharf/wharf-dev",
                "Dimensions": [["operation"]],
                "Metrics": [{"Name": "request_seconds", "Unit": "Seconds"}],
            },
            {
                "Namespace": "Wharf/wharf-dev",
                "Dimensions": [[]],
                "Metrics": [{"Name": "overdue_seconds", "Unit": "Seconds"}],
            },
        ]
        assert line["_aws"]["Timestamp"] > 1_700_000_000_000
        assert (line["requests"], line["request_seconds"], line["overdue_seconds"]) == (1, 0.25, 3.0)
        assert (line["operation"], line["outcome"], line["status"]) == ("createObject", "ok", 201)

    def test_without_a_namespace_a_line_is_a_line(self, of_the_service: Captured) -> None:
        measure("object.ready", OBJECTS(1, kind="image", outcome="ready"))

        [line] = of_the_service.lines
        assert "_aws" not in line
        assert (line["kind"], line["objects"]) == ("image", 1)

    def test_who_listens_gets_the_samples(self) -> None:
        heard: list[Sample] = []
        sinks.append(heard.extend)
        try:
            measure("object.ready", OBJECTS(1, kind="image", outcome="ready"))
        finally:
            sinks.remove(heard.extend)

        assert heard == [OBJECTS(1, kind="image", outcome="ready")]

    def test_dimensions_are_those_of_the_table(self) -> None:
        with pytest.raises(TypeError, match="objects has the dimensions"):
            OBJECTS(1, kind="image", object_id="0b7e7d3a")

    def test_no_dimension_can_have_many_values(self) -> None:
        """Each combination is billed: an owner or an id would be one for each owner or object."""
        few = {"operation", "outcome", "code", "kind", "type", "action", "function_version"}

        assert {name for metric in METRICS for name in metric.dimensions} <= few

    def test_no_metric_has_the_name_of_a_dimension_or_of_another(self) -> None:
        names = [metric.name for metric in METRICS]

        assert len(names) == len(set(names)) > 10
        assert set(names).isdisjoint(name for metric in METRICS for name in metric.dimensions)

    def test_no_name_is_one_of_the_logging_library(self) -> None:
        reserved = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}

        assert reserved.isdisjoint(name for metric in METRICS for name in (metric.name, *metric.dimensions))


def test_a_client_is_counted_from_its_making_on() -> None:
    client = Clients().client("sqs")
    fail(client, "ListQueues", answering(200))

    with begin_work() as work:
        client.list_queues()

    assert work.aws_calls == 1
