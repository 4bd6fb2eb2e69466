"""Pages in a real browser: foreign ones can do nothing to a running service, others can do their work.

The scripts of the pages are in pages/.
"""

import json
import re
import shutil
import subprocess
import tarfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.system.chromium import chromium
from tests.system.client import Client, eventually, send
from tests.system.conftest import ROOT, Runtime, started
from tests.system.parts_client import MIB, Uploader, put

pytestmark = pytest.mark.browser

#: Names that lead to this machine, as after DNS rebinding.
NAMES = "MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1"
PAGE_SECONDS = 60
#: A PNG of one pixel.
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="

#: The last of Uppy 5, whose @uppy/aws-s3 asks the page for each step.
UPPY = "uppy@5.2.1"
UPLOADS = ROOT / "docs" / "uploads.md"
PAGES = Path(__file__).with_name("pages")
PAGE = """<!doctype html><body><script>
{script}
run().catch(fault => told.fault = String(fault))
  .finally(() => fetch("/told", {{method: "POST", body: JSON.stringify(told)}}));
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(f"--host-resolver-rules={NAMES}") as browser:
        yield browser


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with started(tmp_path_factory.mktemp("pages")) as runtime:
        yield runtime


@contextmanager
def serving(page: str) -> Iterator[tuple[int, "Queue[Any]"]]:
    """A site with one page, which tells the site what came of it."""
    told: Queue[Any] = Queue()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(page.encode())

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(b"")

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, told
    finally:
        server.shutdown()
        server.server_close()


def visit(browser: Browser, host: str, script: str) -> Any:
    """Open a page of `host`, and return what it tells."""
    with serving(PAGE.format(script=script)) as (port, told), browser.new_context() as context:
        context.new_page().goto(f"http://{host}:{port}/")
        return told.get(timeout=PAGE_SECONDS)


@pytest.fixture(scope="module")
def uppy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Uppy as one script, and the adapter that docs/uploads.md shows."""
    folder = tmp_path_factory.mktemp("uppy")
    if shutil.which("npm") is None:
        pytest.skip("there is no npm to fetch Uppy")
    packed = subprocess.run(["npm", "pack", "--silent", UPPY], cwd=folder, check=False, timeout=PAGE_SECONDS)
    if packed.returncode != 0:
        pytest.skip("npm cannot fetch Uppy")
    [package] = folder.glob("*.tgz")
    with tarfile.open(package) as archive:
        script = archive.extractfile("package/dist/uppy.min.js")
        assert script is not None
        library = script.read().decode()
    [adapter] = re.findall(r"^```js$\n(.*?)^```$", UPLOADS.read_text(), re.DOTALL | re.MULTILINE)
    return f"{library}\n{adapter}"


def test_uppy_uploads_in_parts_and_goes_on_after_a_reload(browser: Browser, own: Runtime, uppy: str) -> None:
    client = Client(own.url, {})
    payload = (bytes(range(251)) * (20 * MIB // 251 + 1))[: 20 * MIB - 5]
    declared = {"media_type": "application/octet-stream", "size": len(payload), "multipart": True}
    created = client.create({"kind": "file", "name": "film.bin", "payload": declared})
    object_id = created.json()["id"]
    first = Uploader(own.url, {}, object_id).url_of(1)
    assert put(first, payload[: created.json()["upload"]["part_size"]]) == 200

    script = script_for(own, "uppy.js").replace("OBJECT", object_id)
    told = visit(browser, "localhost", f"{uppy}\n{script}")

    assert told.get("fault") is None
    assert told["parts"] == 2
    found = [client.wait_until_settled(told[name].split("/")[-2]) for name in ("fresh", "resumed")]
    assert {one["payload"]["sha256"] for one in found} == {sha256(payload).hexdigest()}
    assert found[1]["id"] == object_id
    assert eventually(lambda: len(client.get("/v1/objects?status=ready&kind=file").json()["items"]) == 3)


def script_for(own: Runtime, name: str, object_id: str = "") -> str:
    script = (PAGES / name).read_text().replace(":API", f":{own.port}").replace(":AWS", f":{own.aws_port}")
    return script.replace("/OBJECT", f"/{object_id}")


@pytest.mark.parametrize("host", ["evil.example", "rebound.example"])
def test_a_foreign_page_changes_and_reads_nothing(browser: Browser, own: Runtime, host: str) -> None:
    client = Client(own.url, {})
    kept = client.upload("dataset", "kept.csv", "text/csv", b"a,b\n1,2\n")
    client.wait_until_settled(kept)
    before = client.get("/v1/objects").json()["items"]

    told = visit(browser, host, script_for(own, "attack.js", kept))

    assert len(told) == 33
    assert set(told.values()) <= {"sent", "refused"}
    assert client.get("/v1/objects").json()["items"] == before
    functions = own.client("lambda").list_functions()["Functions"]
    assert "evil" not in {one["FunctionName"] for one in functions}
    assert "evil" not in str(own.client("sqs").list_queues().get("QueueUrls"))


def test_a_name_that_leads_here_by_rebinding_is_answered_by_nothing(browser: Browser, own: Runtime) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://rebound.example:{own.port}/v1/objects")
        shown = page.content()

    assert "The request is meant for another machine" in shown
    assert "items" not in shown


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_page_of_this_machine_creates_and_uploads(browser: Browser, own: Runtime, host: str) -> None:
    told = visit(browser, host, script_for(own, "work.js"))
    client = Client(own.url, {})

    assert told.get("fault") is None
    assert told["upload"] == 200
    assert eventually(lambda: client.get(f"/v1/objects/{told['id']}").json()["status"] == "ready")


def test_a_page_of_another_origin_shows_a_shared_picture_and_no_other(browser: Browser, own: Runtime) -> None:
    client = Client(own.url, {})
    picture = client.upload("image", "dot.png", "image/png", b64decode(DOT))
    client.wait_until_settled(picture)
    links = [
        client.post(f"/v1/objects/{picture}/links", json.dumps(body).encode()).json()
        for body in ({"artifact": "thumbnail.webp"}, {"disposition": "inline"}, {})
    ]
    send("DELETE", f"{own.url}/v1/objects/{picture}/links/{links[2]['id']}")
    addresses = {
        "thumbnail": links[0]["url"],
        "payload": links[1]["url"],
        "revoked": links[2]["url"],
        "not shared": f"{own.url}/v1/objects/{picture}/artifacts/thumbnail.webp",
    }
    script = (PAGES / "pictures.js").read_text().replace("ADDRESSES", json.dumps(addresses))

    told = visit(browser, "evil.example", script)

    assert told == {
        "thumbnail": "shown 1",
        "payload": "shown 1",
        "revoked": "refused",
        "not shared": "refused",
    }
