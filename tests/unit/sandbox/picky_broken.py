from app.processors.report import Sample
from tests.unit.sandbox.picky import process

__all__ = ["SAMPLES", "process"]

SAMPLES = (
    Sample("x/broken", b"/no/such/file"),
    Sample("text/plain", b"getpid"),
)
