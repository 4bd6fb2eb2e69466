from app.processors.report import Sample
from tests.unit.sandbox.picky import process

__all__ = ["SAMPLES", "process"]

SAMPLES = (
    Sample("text/plain", b"getpid"),
    Sample("x/calls", b"uname getpid getppid"),
)
