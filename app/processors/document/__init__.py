"""The `document` kind: a PDF or a text in, its text as UTF-8 and a picture of its first page out.

* pdf    PDF: text page by page, title and author, the first page
* text   plain text and Markdown: whatever encoding, rewritten as UTF-8

Summary: `{"pages": int | None, "characters": int, "words": int}`; pages is None
where there are none, in text. And when there is something to say: `title` and
`author` of a PDF, `truncated` (true: the text is longer than text.txt) and
`unreadable_pages` (how many damaged pages were passed over).
Artifacts: `text.txt`, and `page-1.webp` for a PDF.
"""

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.document.pdf import read_pdf
from app.processors.document.text import TextFile, rewrite_text
from app.processors.media_types import PDF, PLAIN_TEXT, contradicts, detect_media_type
from app.processors.report import ArtifactFile, Report, Task

TEXT = ArtifactFile("text.txt", "text/plain; charset=utf-8")
FIRST_PAGE = ArtifactFile("page-1.webp", "image/webp")


def process(task: Task) -> Report:
    """Raises InvalidPayload when the payload is not the document it was declared to be."""
    _check_type(task)
    with TextFile(task.output / TEXT.name) as text:
        if task.media_type != PDF:
            rewrite_text(task.source, text)
            return Report({"pages": None, **text.counts()}, (TEXT,))
        about = read_pdf(task.source, text, task.output / FIRST_PAGE.name)
    return Report({"pages": about.pop("pages"), **text.counts(), **about}, (TEXT, FIRST_PAGE))


def _check_type(task: Task) -> None:
    if task.source.stat().st_size == 0:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file is empty.")
    detected = detect_media_type(task.source)
    fits = not contradicts(task.source, PDF) if task.media_type == PDF else detected == PLAIN_TEXT
    if not fits:
        detail = f"Declared as {task.media_type}, but the content is {detected or 'something else'}."
        raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)
