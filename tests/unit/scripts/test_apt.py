"""Commands that install packages run one after another, and a failure is told."""

import sys

import pytest

from scripts.build.apt import carry_out


def test_the_first_failure_ends_a_way_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    ends = {"one": 0, "two": 7, "three": 0}
    said = [
        (sys.executable, "-c", f"print({word!r}); raise SystemExit({code})") for word, code in ends.items()
    ]

    assert not carry_out(said)
    printed = capfd.readouterr().out.splitlines()
    assert "one" in printed
    assert printed[-1] == "That failed with 7."
    assert "three" not in printed
