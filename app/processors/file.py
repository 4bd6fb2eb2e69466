"""The `file` kind: any bytes are welcome, unless they are plainly not what was declared.

The summary is `{"detected_media_type": str | None}`; there are no artifacts.
"""

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.media_types import contradicts, detect_media_type
from app.processors.report import Report, Task


def process(task: Task) -> Report:
    detected = detect_media_type(task.source)
    if contradicts(task.source, task.media_type):
        found = detected or "something else"
        raise InvalidPayload(
            ProblemCode.MEDIA_TYPE_MISMATCH,
            f"Declared as {task.media_type}, but the bytes are {found}.",
        )
    return Report({"detected_media_type": detected})
