from app.processors.report import Sample
from tests.unit.sandbox.picky import process

__all__ = ["SAMPLES", "process"]

SAMPLES = (Sample("x/file", b"/etc/passwd"),)
