"""A PDF of one page with one line, and a text that is not in UTF-8."""

from app.domain.media_types import PDF
from app.processors.report import Sample

PAGE = b"BT /F1 12 Tf 20 20 Td (Hello) Tj ET"
ONE_PAGE = (
    b"%%PDF-1.7\n"
    b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
    b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    b"4 0 obj<</Length %d>>stream\n%b\nendstream endobj\n"
    b"trailer<</Size 5/Root 1 0 R>>\n%%%%EOF\n"
) % (len(PAGE), PAGE)

SAMPLES = (
    Sample(PDF, ONE_PAGE),
    Sample("text/plain", "Façade, naïve, déjà vu.\n".encode("cp1252")),
)
