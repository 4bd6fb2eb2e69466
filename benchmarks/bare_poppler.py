"""Extract a PDF's text and draw its first page, with two commands of poppler-utils.

Python only starts them, so that their work is measured as that of the other ways.
"""

import subprocess
from pathlib import Path

FIRST_PAGE = ("-f", "1", "-l", "1", "-singlefile", "-scale-to", "1600", "-jpeg")


def run(source: Path, output: Path) -> None:
    subprocess.run(["pdftotext", source, output / "text.txt"], check=True)
    subprocess.run(["pdftoppm", *FIRST_PAGE, source, output / "page-1"], check=True)
