"""A page of the console that is watched, and the files that are dropped onto it."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.system.client import Client
from tests.system.conftest import Runtime

PATIENCE_MS = 30_000

DESKTOP, PHONE = (1280, 860), (390, 844)

CSV = b"trip,city,paid,day\n" + b"".join(
    b"%d,%s,%s,2026-%02d-01\n"
    % (trip, (b"Porto", b"Bergen", b"")[trip % 3], (b"true", b"false")[trip % 2], trip % 12 + 1)
    for trip in range(600)
)
HOSTILE_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def png() -> bytes:
    picture = Image.linear_gradient("L").resize((640, 400))
    made = io.BytesIO()
    Image.merge("RGB", (picture, picture.rotate(180), picture)).save(made, "PNG")
    return made.getvalue()


def pdf() -> bytes:
    text = b"BT /F1 24 Tf 72 740 Td (Harbour report) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    ]
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        made
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
        % (
            len(objects) + 1,
            table,
            len(objects) + 1,
            len(made),
        )
    )


@dataclass
class Watched:
    """A page, and what it did."""

    page: Page
    #: The address of the console, without a slash at its end.
    url: str
    #: The hosts that it may ask, with their ports.
    allowed: set[str]
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Chromium hands over its windows for files only some time after somebody first listens.
        self.page.on("filechooser", lambda _: None)
        self.page.on("console", lambda said: self.faults.extend([said.text] * (said.type == "error")))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def go(self, place: str = "") -> None:
        self.page.goto(f"{self.url}/#/{place}")
        expect(self.page.locator("h1, .state h2").first).to_be_visible()

    def drop(self, name: str, content: bytes, media_type: str = "") -> Locator:
        """Drop a file onto the page, and return its row among the uploads."""
        self.page.evaluate(
            """([name, bytes, type]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], name, { type }));
              const how = { dataTransfer: data, bubbles: true, cancelable: true };
              for (const kind of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(kind, how));
            }""",
            [name, list(content), media_type],
        )
        return self.row(name)

    def row(self, name: str) -> Locator:
        return self.page.locator("wharf-uploads li").filter(has_text=name).first

    def open(self, name: str) -> None:
        if self.page.locator("#uploads").is_hidden():
            self.page.get_by_role("button", name="Show").click()
        self.page.locator("wharf-uploads li").filter(has_text=name).first.locator("a").click()
        expect(self.page.locator("wharf-object h1")).to_have_text(name)

    def check(self) -> None:
        assert self.faults == []
        assert self.hosts <= self.allowed


Scheme = Literal["dark", "light"]
Open = Callable[..., Watched]


def api(running: Runtime, owner: str = "e2e") -> Client:
    return Client(running.url, {"X-Owner": owner})


def create(running: Runtime, owner: str = "e2e", **body: Any) -> str:
    return str(api(running, owner).create(body).json()["id"])
