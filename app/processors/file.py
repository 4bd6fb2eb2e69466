"""The `file` kind: any bytes are welcome, unless they plainly are not of the declared type.

The summary is `{"detected_media_type": str | None}`; there are no artifacts.
"""

from app.domain.media_types import UNDECLARED
from app.processors.recognition import check_content, recognise
from app.processors.report import Report, Sample, Task

SAMPLES = (Sample(UNDECLARED, b"\x00\x01"), Sample(UNDECLARED, b'[{"a": 1}]'))


def process(task: Task) -> Report:
    """Return the detected type; raise InvalidPayload if it contradicts the declared one."""
    check_content(task.source, task.media_type, may_be_empty=True)
    found = recognise(task.source)
    is_declared = task.media_type != UNDECLARED
    return Report({"detected_media_type": found}, media_type=task.media_type if is_declared else found)
