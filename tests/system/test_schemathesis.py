"""The API does what its OpenAPI document says, whatever it is sent.

The same requests in every run; `make fuzz` makes others.
"""

from pathlib import Path

import pytest

from tests.conftest import Measured
from tests.system.conftest import started
from tests.system.fuzzing import SETTINGS, fuzz

EXAMPLES = 5
SEED = 20260301


@pytest.mark.long
def test_no_request_finds_a_difference(tmp_path: Path, measured: Measured) -> None:
    with started(tmp_path, settings=SETTINGS) as runtime:
        report = fuzz(runtime, [f"--max-examples={EXAMPLES}", f"--seed={SEED}", "--generation-deterministic"])

    measured(f"Schemathesis: {report.cases} test cases")
    assert report.status == 0, report.output
    assert report.cases > 500
    assert "Traceback" not in runtime.output()
