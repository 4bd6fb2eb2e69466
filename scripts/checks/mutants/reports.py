"""Controls of what a child may report."""

from scripts.checks.mutants.row import Row

SANDBOX = "app/sandbox/"
BOUNDS = ("tests/unit/sandbox/test_bounds.py",)
TESTS = "tests/unit/sandbox/test_sandbox.py::"

ROWS = (
    Row(
        "a summary is not nested deep",
        SANDBOX + "bounds.py",
        "if depth > MOST_DEPTH:",
        "if depth > 30 * MOST_DEPTH:",
        BOUNDS,
    ),
    Row(
        "what no parser takes is too deep",
        SANDBOX + "bounds.py",
        "    except RecursionError:\n        raise TooMuch(TOO_DEEP) from None\n",
        "",
        BOUNDS,
    ),
    Row("a summary has few names", SANDBOX + "bounds.py", "if names > MOST_NAMES:", "if names < 0:", BOUNDS),
    Row(
        "a name is short",
        SANDBOX + "bounds.py",
        '            _check_texts(value, NAME_CHARACTERS, "name")\n',
        "",
        BOUNDS,
    ),
    Row(
        "a text is not long",
        SANDBOX + "bounds.py",
        '_check_texts([value], TEXT_CHARACTERS, "text")',
        "pass",
        BOUNDS,
    ),
    Row(
        "a number is one that DynamoDB could keep",
        SANDBOX + "bounds.py",
        "if isinstance(value, float) and value and not",
        "if value is summary and not",
        BOUNDS,
    ),
    Row(
        "a whole number has few digits",
        SANDBOX + "bounds.py",
        'if len(text.removeprefix("-")) > INTEGER_DIGITS:',
        "if not text:",
        BOUNDS,
    ),
    Row(
        "what is stored of a report is bounded",
        SANDBOX + "bounds.py",
        "if len(stored) > most_bytes:",
        "if not stored:",
        BOUNDS,
    ),
    Row(
        "a name stands once",
        SANDBOX + "bounds.py",
        "if len(unique) < len(pairs):",
        "if len(unique) > len(pairs):",
        BOUNDS,
    ),
    Row("NaN is not JSON", SANDBOX + "bounds.py", "parse_constant=_refuse, ", "", BOUNDS),
    Row(
        "the summary is checked",
        SANDBOX + "verdict.py",
        "        check_summary(summary, most_bytes=REPORT_BYTES)\n",
        "",
        (TESTS + "test_a_summary_that_nobody_could_keep_is_over_a_limit",),
    ),
    Row(
        "a child is not listened to without end",
        SANDBOX + "talk.py",
        "return bool(part) and len(self._reply) <= REPLY_BYTES",
        "return bool(part)",
        ("tests/unit/sandbox/test_talk.py",),
    ),
)
