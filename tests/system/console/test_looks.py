"""The console as people see it, and as a screen reader hears it."""

import io
import os
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.system.client import send
from tests.system.conftest import ROOT, Runtime
from tests.system.console.watched import (
    CSV,
    DESKTOP,
    HOSTILE_SVG,
    PHONE,
    Open,
    Scheme,
    Watched,
    api,
    create,
    pdf,
    png,
)

pytestmark = pytest.mark.e2e

AXE = ROOT / ".e2e" / "axe.min.js"
#: The folder for new pictures of the documentation, if they are to be taken anew.
PICTURES = os.environ.get("PICTURES")


@pytest.fixture(scope="module")
def shown(running: Runtime) -> dict[str, str]:
    """The objects and the webhook of the pictures, by place."""
    client = api(running, "shown")
    cities, notes = ("Porto", "Bergen", "Tromsø", "St. Ives"), ("", "late", "two stops", "")
    rows = [
        f"{trip},{cities[trip * 7919 % 4]},{(trip * 7919 % 997) ** 3 / 1e7:.2f},"
        f"{'true' if trip % 10 else 'false'},2026-{trip % 12 + 1:02}-01,{notes[trip % 4]}"
        for trip in range(4000)
    ]
    table = ("trip,city,distance_km,paid,day,note\n" + "\n".join(rows)).encode()
    ids = [
        client.upload("file", "drawing.svg", "image/svg+xml", HOSTILE_SVG),
        client.upload("image", "broken.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64),
        client.upload("document", "report.pdf", "application/pdf", pdf()),
        client.upload("image", "gradient.png", "image/png", png()),
        client.upload("dataset", "trips.csv", "text/csv", table),
    ]
    create(
        running,
        "shown",
        kind="record",
        name="order 42",
        attributes={"total": "9.90"},
        labels={"team": "growth"},
    )
    for one in ids:
        client.wait_until_settled(one)
    hook = client.post(
        "/v1/webhooks", b'{"url": "https://hooks.example.com/wharf", "description": "Billing"}'
    )
    return {
        "list": "",
        "results": f"objects/{ids[4]}",
        "picture": f"objects/{ids[3]}",
        "rejected": f"objects/{ids[1]}",
        "webhooks": "webhooks",
        "webhook": f"webhooks/{hook.json()['id']}",
        "usage": "usage",
    }


PLACES = ("list", "results", "picture", "rejected", "webhooks", "webhook", "usage")
SCREENS = pytest.mark.parametrize(
    ("device", "size", "scheme"),
    [
        pytest.param(device, size, scheme, id=f"{device}-{scheme}")
        for device, size in (("desktop", DESKTOP), ("phone", PHONE))
        for scheme in ("light", "dark")
    ],
)


def assess(page: Page, what: str) -> None:
    """Fail on a serious finding of axe, and on what is wider than the screen."""
    if not AXE.exists():
        pytest.skip("there is no axe-core: `make e2e` fetches it, if there is npm")
    # Evaluated, since the page's policy lets no other script in.
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]

    assert serious == [], what
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
    for dialog in page.get_by_role("dialog").all():
        assert dialog.evaluate("one => one.scrollWidth <= one.clientWidth"), what


@SCREENS
def test_it_can_be_used_by_everybody_and_fits_the_screen(
    open_page: Open, shown: dict[str, str], tmp_path: Path, device: str, size: tuple[int, int], scheme: Scheme
) -> None:
    """Pictures are taken too."""
    watched = open_page(size, scheme, owner="shown")
    page = watched.page
    for place in PLACES:
        watched.go(shown[place])
        expect(page.locator("main [aria-busy=true], main .ghost")).to_have_count(0)
        assess(page, place)
        if place in {"list", "results"}:
            time.sleep(0.3)
            taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            folder = Path(PICTURES) if PICTURES else tmp_path
            name = f"{place}-{scheme}.webp" if device == "desktop" else f"{place}-phone-{scheme}.webp"
            taken.save(folder / name, quality=82, method=6)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).last.click()


@SCREENS
def test_so_can_the_dialogs_of_an_object(
    open_page: Open, running: Runtime, device: str, size: tuple[int, int], scheme: Scheme
) -> None:
    owner = f"dialogs-{device}-{scheme}"
    file = api(running, owner).upload("dataset", "trips.csv", "text/csv", CSV)
    api(running, owner).wait_until_settled(file)
    watched = open_page(size, scheme, owner=owner)
    page = watched.page
    watched.go(f"objects/{file}")
    for name in ("New revision", "Edit", "Share", "Delete"):
        press(page, name)
        expect(page.get_by_role("dialog")).to_be_visible()
        assess(page, name)
        if name == "Share":
            press(page, "Make the link")
            expect(page.get_by_label("Anybody who has this link")).to_be_visible()
            assess(page, "the link")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Revoke")).to_be_visible()
    assess(page, "the links")


@SCREENS
def test_so_can_a_mistake_and_a_conflict(
    open_page: Open, running: Runtime, device: str, size: tuple[int, int], scheme: Scheme
) -> None:
    owner = f"conflicts-{device}-{scheme}"
    made = create(running, owner, kind="record", name="order 42", labels={"team": "a"})
    watched = open_page(size, scheme, owner=owner)
    page = watched.page
    watched.go(f"objects/{made}")
    press(page, "Edit")
    page.get_by_role("textbox", name="Attributes").fill("{")
    press(page, "Save")
    expect(page.get_by_role("alert").filter(has_text="not JSON")).to_be_visible()
    assess(page, "attributes that are not JSON")
    page.get_by_role("textbox", name="Attributes").fill("{}")
    page.get_by_role("textbox", name="Labels").fill("team: mine")
    change = {"Content-Type": "application/merge-patch+json", "X-Owner": owner}
    send("PATCH", f"{running.url}/v1/objects/{made}", body=b'{"labels": {"team": "theirs"}}', headers=change)
    press(page, "Save")
    expect(page.get_by_role("alert").filter(has_text="Somebody changed it")).to_be_visible()
    assess(page, "a conflict")

    assert all("412" in fault for fault in watched.faults)
    watched.faults.clear()


@SCREENS
def test_so_can_the_dialogs_of_a_webhook(
    open_page: Open, device: str, size: tuple[int, int], scheme: Scheme
) -> None:
    watched = open_page(size, scheme, owner=f"hooks-{device}-{scheme}")
    page = watched.page
    watched.go("webhooks")
    press(page, "New webhook")
    expect(page.get_by_label("URL")).to_be_visible()
    assess(page, "a new webhook")
    page.get_by_label("URL").fill("https://hooks.example.com/wharf")
    press(page, "Create")
    expect(page.get_by_label("The secret")).to_be_visible()
    assess(page, "the secret of a webhook")
    press(page, "Done")
    press(page, "New secret")
    expect(page.get_by_text("The old secret signs too")).to_be_visible()
    assess(page, "a question")
    press(page, "Make it")
    expect(page.get_by_label("It is shown once")).to_be_visible()
    assess(page, "a new secret")
    press(page, "Done")
    press(page, "Switch off")
    expect(page.locator(".notice").filter(has_text="by you")).to_be_visible()
    assess(page, "a webhook that is switched off")


@SCREENS
def test_so_can_what_is_empty_wrong_or_on_its_way(
    open_page: Open, running: Runtime, device: str, size: tuple[int, int], scheme: Scheme
) -> None:
    owner = f"states-{device}-{scheme}"
    watched = open_page(size, scheme, owner=owner)
    page = watched.page

    def look(place: str, text: str) -> None:
        watched.go(place)
        expect(page.get_by_text(text).first).to_be_visible()
        assess(page, text)

    look("", "Drop a file anywhere")
    look("?status=failed", "No objects match")
    look("webhooks", "No webhooks yet")
    look("nowhere", "Nothing here")
    waiting = create(running, owner, kind="file", name="awaited", payload={"media_type": "", "size": 9})
    look(f"objects/{waiting}", "Waits for its file")
    with_uploads(watched)
    look("objects/0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10", "There is no such object")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    assess(page, "without a connection")
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    page.route("**/v1/objects?*", lambda route: route.fulfill(status=500, json={"title": "It broke."}))
    look("", "The list could not be read")
    page.route("**/v1/events?*", lambda route: route.fulfill(status=500, json={"title": "It broke."}))
    page.reload()
    expect(page.get_by_text("The service does not answer")).to_be_visible()
    assess(page, "a service that does not answer")
    watched.faults.clear()


def with_uploads(watched: Watched) -> None:
    """Look at the uploads while one is held, after one was rejected and one is ready, and at what is told."""
    page = watched.page
    watched.go()
    for name, content, becomes in (("a.csv", CSV, "ready"), ("b.png", b"\x89PNG\r\n\x1a\n", "rejected")):
        watched.drop(name, content)
        expect(watched.row(name).locator(".badge")).to_have_text(becomes)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1000}
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)
    row = watched.drop("slow.csv", CSV)
    expect(row.get_by_role("progressbar")).to_be_visible()
    expect(row).to_contain_text("of 15 KB")
    assess(page, "an upload on its way")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    assess(page, "an upload that is held")
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    row.get_by_role("button", name="Resume").click()
    expect(row.locator(".badge")).to_have_text("ready")
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add(new File(["a"], "a.txt"));
      document.body.dispatchEvent(new DragEvent("dragenter", { dataTransfer: data, bubbles: true }));
    }""")
    expect(page.get_by_text("Drop files to upload them")).to_be_visible()
    assess(page, "files above the page")
    page.reload()
