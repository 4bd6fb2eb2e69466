"""Extract a PDF's text and draw its first page, with PDFium and Pillow alone."""

from pathlib import Path

from pypdfium2 import PdfDocument


def run(source: Path, output: Path) -> None:
    with PdfDocument(source) as pdf, (output / "text.txt").open("w", encoding="utf-8") as text:
        pdf[0].render(scale=1600 / max(pdf[0].get_size())).to_pil().save(output / "page-1.webp")
        for page in pdf:
            text.write(page.get_textpage().get_text_bounded())
