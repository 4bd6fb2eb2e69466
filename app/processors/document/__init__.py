"""The `document` kind: a PDF or a text in, its text as UTF-8 and a picture of its first page out.

* pdf    PDF: its text page by page, title and author, a picture of the first page
* text   plain text and Markdown in any encoding, rewritten as UTF-8

The summary is `{"pages": int | None, "characters": int, "words": int}`; pages is
None for plain text, which has none. It also holds, only if they apply: `title`
and `author` of a PDF, `truncated` (true if the text is longer than text.txt),
`unreadable_pages` (of how many damaged pages the text is missing, wholly or in part)
and `xfa` (true if the pages are only the placeholder of an XFA form); of a text whose
encoding was guessed, or in which characters were replaced, `encoding`,
`encoding_guessed` and `replaced_characters`.
Artifacts: `text.txt`, and `page-1.webp` for a PDF.
"""

from contextlib import closing
from dataclasses import replace

from app.domain.media_types import MARKDOWN, PDF, PLAIN_TEXT, UNDECLARED
from app.processors.document.pdf import read_pdf
from app.processors.document.samples import SAMPLES
from app.processors.document.text import TextFile, rewrite_text
from app.processors.recognition import (
    check_content,
    check_text,
    may_be_text,
    recognise,
    refuse_empty,
    refuse_other_than,
)
from app.processors.report import ArtifactFile, Report, Task

TEXT = ArtifactFile("text.txt", "text/plain; charset=utf-8")
FIRST_PAGE = ArtifactFile("page-1.webp", "image/webp")
MEDIA_TYPES = (PDF, PLAIN_TEXT, MARKDOWN)


__all__ = ["SAMPLES", "process"]


def process(task: Task) -> Report:
    """Return the document's counts; raise InvalidPayload if it is not what it was declared to be."""
    if task.media_type == UNDECLARED:
        task = replace(task, media_type=_shown_type(task))
    if task.media_type != PDF:
        return _process_text(task)
    check_content(task.source, PDF)
    with closing(TextFile(task.output / TEXT.name)) as text:
        about = read_pdf(task.source, text, task.output / FIRST_PAGE.name)
    return Report(
        {"pages": about.pop("pages"), **text.counts(), **about}, (TEXT, FIRST_PAGE), task.media_type
    )


def _shown_type(task: Task) -> str:
    """Return PDF or plain text, which Markdown is too: its characters do not tell it apart."""
    refuse_empty(task.source)
    found = recognise(task.source)
    if found == PDF:
        return PDF
    if may_be_text(task.source, found, task.parameters.get("charset")):
        return PLAIN_TEXT
    refuse_other_than(MEDIA_TYPES, found)


def _process_text(task: Task) -> Report:
    charset = task.parameters.get("charset")
    check_text(task.source, task.media_type, charset)
    with closing(TextFile(task.output / TEXT.name)) as text:
        doubts = rewrite_text(task.source, charset, text)
    return Report({"pages": None, **text.counts(), **doubts}, (TEXT,), task.media_type)
