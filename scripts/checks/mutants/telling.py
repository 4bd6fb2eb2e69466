"""Controls of what the service tells: in its log, its errors and its history."""

from scripts.checks.mutants.row import Row

LOGS = "app/observability/logs.py"
CANARIES = "tests/edges/test_canaries.py::"
OBSERVED = "tests/unit/test_observability.py::"
VALIDATION = "app/domain/validation.py"
REFLECTED = "tests/edges/test_reflected_input.py::"
RELAYING = "app/services/changes/relaying.py"
RELAYED = "tests/unit/services/changes/test_relaying.py::"

ROWS = (
    Row(
        "a line of the log is ASCII",
        LOGS,
        'separators=(",", ":"), ensure_ascii=True)',
        'separators=(",", ":"), ensure_ascii=False)',
        (OBSERVED + "test_nothing_in_a_line_can_begin_another",),
    ),
    Row(
        "a line for a person is one line",
        LOGS,
        "return text if is_plain else json.dumps(text)",
        "return text if is_plain else text",
        (OBSERVED + "test_nothing_in_a_line_for_a_person_can_begin_another_or_move_the_cursor",),
    ),
    Row(
        "the words of a library's exception are not logged",
        LOGS,
        'is_discreet = is_ours and not getattr(fault, "quotes_input", False)',
        "is_discreet = is_ours or not is_ours",
        (OBSERVED + "TestFaults::test_what_a_library_says_of_a_value_is_not_logged_but_where_it_said_it",),
    ),
    Row(
        "the words of a refusal of AWS are not logged",
        LOGS,
        "return f\"{name}: {code} on {getattr(fault, 'operation_name', '?')}\"",
        'return f"{name}: {fault}"',
        (CANARIES + "test_nothing_that_a_client_sends_is_logged_when_aws_refuses",),
    ),
    Row(
        "a request is logged by a method that is known",
        "app/api/middleware/request_log.py",
        'method=state["method"] if state["method"] in LOGGED else UNROUTED,',
        'method=state["method"],',
        (CANARIES + "test_nothing_that_a_client_sends_is_logged",),
    ),
    Row(
        "an answer and its line of the log have one id",
        "app/api/middleware/request.py",
        "with begin_work(**cause.fields) as work:",
        "with begin_work() as work:",
        ("tests/edges/test_service_over_http.py::test_the_log_of_a_request_has_the_id_of_its_answer",),
    ),
    Row(
        "a refusal quotes no value",
        VALIDATION,
        'else str(error["msg"])',
        "else f\"{error['msg']} {error['input']}\"",
        (REFLECTED + "test_of_the_body",),
    ),
    Row(
        "a refusal of what cannot be parsed quotes no value",
        VALIDATION,
        'return said.partition(", ")[0]',
        "return f\"{said} {error['input']}\"",
        (REFLECTED + "test_of_the_query",),
    ),
    Row(
        "the words of a kind's own rule quote no value",
        VALIDATION,
        'return "Input is not valid here" if repeated else said',
        "return said if repeated else said",
        (REFLECTED + "test_of_attributes_whose_rules_repeat_it",),
    ),
    Row(
        "a pointer is short",
        VALIDATION,
        "if len(longer) > POINTER_CHARACTERS:",
        "if len(longer) < 0:",
        (
            REFLECTED + "TestPointers::test_one_that_is_too_long_points_to_what_is_around_it",
            REFLECTED + "test_pointers_into_attributes_are_bounded_too",
        ),
    ),
    Row(
        "a refusal names a hundred mistakes",
        "app/api/problems/pointers.py",
        "for error in found[:ERRORS_AT_MOST]]",
        "for error in found]",
        (REFLECTED + "TestPointers::test_no_more_than_a_hundred_are_named",),
    ),
    Row(
        "only what is in the history is published",
        RELAYING,
        "self._publish(recorded)",
        "self._publish(announced)",
        (RELAYED + "test_nothing_is_published_that_is_not_in_the_history",),
    ),
    Row(
        "the history is written first",
        RELAYING,
        "            recorded, unrecorded = self._record(announced)\n",
        "            has_bus = self._publish(announced)[1] is None\n"
        "            recorded, unrecorded = self._record(announced if has_bus else [])\n",
        (RELAYED + "test_history_is_written_before_the_bus_is_called",),
    ),
    Row(
        "no answer names the server of the local runtime",
        "app/local/server.py",
        "        server_header=False,\n",
        "",
        ("tests/system/test_hardening.py::test_no_answer_has_a_banner_and_every_one_the_headers",),
    ),
)
