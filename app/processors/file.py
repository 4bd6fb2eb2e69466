"""The `file` kind: any bytes are welcome, unless they plainly are not of the declared type.

The summary is `{"detected_media_type": str | None}`; there are no artifacts.
"""

from app.processors.media_types import check_content, detect_media_type
from app.processors.report import Report, Task


def process(task: Task) -> Report:
    """Return the detected type; raise InvalidPayload if it contradicts the declared one."""
    check_content(task.source, task.media_type, may_be_empty=True)
    return Report({"detected_media_type": detect_media_type(task.source)})
