"""Traces as clients and AWS send them, and as they are passed on."""

import pytest

from app.domain.causes import Cause, Trace

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
XRAY = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"


def test_a_w3c_trace_is_passed_on_as_it_came() -> None:
    trace = Trace.from_w3c(TRACEPARENT, "congo=t61rcWkgMzE")

    assert trace == Trace(TRACE, PARENT, is_sampled=True, state="congo=t61rcWkgMzE")
    assert trace.traceparent == TRACEPARENT


def test_an_xray_trace_is_passed_on_as_it_came() -> None:
    trace = Trace.from_xray(f"{XRAY};Lineage=1:a87bd80c:0")

    assert trace == Trace(TRACE, PARENT, is_sampled=True)
    assert trace.xray_header == XRAY


def test_either_form_can_be_written_as_the_other() -> None:
    assert Trace.from_w3c(TRACEPARENT) == Trace.from_xray(XRAY)


def test_what_was_not_sampled_stays_so() -> None:
    unsampled = Trace.from_w3c(f"00-{TRACE}-{PARENT}-00")

    assert unsampled is not None
    assert unsampled.traceparent.endswith("-00")
    assert unsampled.xray_header.endswith("Sampled=0")


def test_a_later_version_of_w3c_is_read_as_far_as_it_is_known() -> None:
    assert Trace.from_w3c(f"cc-{TRACE}-{PARENT}-01-what-comes-later") == Trace.from_w3c(TRACEPARENT)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01\nforged",
        f"00-{'٣' * 32}-{PARENT}-01",
    ],
)
def test_what_is_no_traceparent_is_ignored(traceparent: str) -> None:
    assert Trace.from_w3c(traceparent) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Root=",
        "Root=1-abc-def",
        f"Root=1-{TRACE[:8]}-{TRACE[8:16]}{'0' * 16}",
        f"Root=2-{TRACE[:8]}-{TRACE[8:]}",
        ";;=;",
    ],
)
def test_what_names_no_root_is_no_xray_trace(header: str) -> None:
    assert Trace.from_xray(header) is None


def test_xray_may_leave_the_parent_out_and_w3c_may_not() -> None:
    trace = Trace.from_xray(f"Root=1-{TRACE[:8]}-{TRACE[8:]}")

    assert trace is not None
    assert Trace.from_w3c(trace.traceparent) == trace


def test_a_parent_of_zeros_is_none() -> None:
    trace = Trace.from_xray(f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={'0' * 16}")

    assert trace is not None
    assert Trace.from_w3c(trace.traceparent) == trace


@pytest.mark.parametrize("state", ["", "x" * 513, "a=b\nc=d", "a=ü"])
def test_a_state_that_cannot_be_passed_on_whole_is_dropped(state: str) -> None:
    assert Trace.from_w3c(TRACEPARENT, state) == Trace.from_w3c(TRACEPARENT)


def test_a_cause_without_a_trace_has_no_trace_id() -> None:
    assert Cause("request-1").fields == {"correlation_id": "request-1", "trace_id": None}
    assert Cause("request-1", Trace.from_w3c(TRACEPARENT)).fields["trace_id"] == TRACE
