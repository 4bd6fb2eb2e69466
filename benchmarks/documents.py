"""Measure PDFs by the document processor against bare PDFium and poppler: `python -m benchmarks.documents`.

pypdfium2 is in the peers' own environment, `.venv-peers`. Poppler is two commands that `make poppler`
installs, and is left out where they are missing. Written to benchmarks/results: documents.md and
documents.svg.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measuring import DEFAULT_SIZES
from benchmarks.rounds import ROOT, Comparison, Peer, packaged
from benchmarks.samples import Sample, pdf_file, scanned_pdf
from scripts.build import poppler

ENVIRONMENT = ROOT / ".venv-peers"
ABOUT = (
    "Each way writes the text of all pages and a picture of the first, 1600 pixels high: WebP by Wharf and",
    "pdfium, JPEG by poppler. The time of poppler includes the start of its two programs. Wharf also looks",
    "for content that is damaged or missing, adds what was filled into forms or noted, and counts words.",
)
#: Pages of text, and scanned pages.
PAGES = {"small": ((1, 100), (10,)), "large": ((1000,), ())}


def main(sizes: Sequence[str]) -> None:
    chosen = sizes or DEFAULT_SIZES
    peers = [packaged("pdfium", ENVIRONMENT, "pypdfium2"), Peer("poppler", poppler.version())]
    comparison = Comparison("documents", "PDFs, against peers", ABOUT, "benchmarks.documents_ours", peers)
    comparison.publish(lambda folder: _samples(folder, chosen), chosen)


def _samples(folder: Path, sizes: Sequence[str]) -> Iterator[Sample]:
    for written, scanned in (PAGES[name] for name in PAGES if name in sizes):
        yield from (pdf_file(folder, pages) for pages in written)
        yield from (scanned_pdf(folder, pages) for pages in scanned)


if __name__ == "__main__":
    main(sys.argv[1:])
