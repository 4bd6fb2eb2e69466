"""The console in Chromium, against the running service: by `make e2e`.

Every page is watched: an error in its console, or a request to anything but the API and the bucket,
fails the test that opened it.
"""

import re
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import APIResponse, CDPSession, FilePayload, Locator, Request, Route, expect

from tests.conftest import Measured
from tests.receiver import Receiver, receiving
from tests.system.client import send
from tests.system.conftest import Runtime, started
from tests.system.console.watched import CSV, HOSTILE_SVG, PATIENCE_MS, Open, api, create, pdf, png

pytestmark = pytest.mark.e2e

LARGEST_BYTES = 120_000
LARGE_BYTES = 200 * 1000**2
IN_PARTS_BYTES = 50 * 1000**2
#: The browser's upload rate while a large upload is watched, so that its middle can be met.
SLOW_BYTES_PER_SECOND = 25 * 1000**2
MARKUP = "<img src=x onerror=alert(1)>"
HOSTILE_CSV = f'name,"{MARKUP}"\n=1+1,{MARKUP}\n2,"</td><script>alert(1)</script>"\n'.encode()
#: Half of it is in UTF-8, and half in windows-1252.
MIXED_CSV = b"id,name\n" + "1,J\u00e4ger\n".encode() * 9 + b"2,K\xe4se\n" * 9


def test_a_first_visit_is_small_and_paints_soon(open_page: Open, measured: Measured) -> None:
    watched = open_page(owner="nobody-yet")
    watched.go()
    sizes = watched.page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".filter(one => !one.name.includes('/v1/')).map(one => one.decodedBodySize)"
    )
    paint = watched.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    measured(f"console: {sum(sizes):,} bytes in {len(sizes)} files, first paint after {paint:.0f} ms")

    expect(watched.page.get_by_role("heading", name="Drop a file anywhere")).to_be_visible()
    assert 50_000 < sum(sizes) <= LARGEST_BYTES


def test_files_of_each_kind_are_dropped_and_their_results_seen(open_page: Open) -> None:
    watched = open_page()
    page = watched.page
    watched.go()
    files = (("trips.csv", CSV, ""), ("gradient.png", png(), "image/png"), ("report.pdf", pdf(), ""))
    for name, content, media_type in files:
        watched.drop(name, content, media_type)
    for name, *_ in files:
        expect(watched.row(name).locator(".badge")).to_have_text("ready")
        expect(page.locator("wharf-list tbody tr").filter(has_text=name).locator(".badge")).to_have_text(
            "ready"
        )
    expect(page.locator("tr").filter(has_text="gradient.png").locator(".thumb img")).to_have_js_property(
        "naturalWidth", 320
    )

    watched.open("trips.csv")
    expect(page.get_by_role("row", name="city text")).to_contain_text("33 %")
    months = page.get_by_role("img", name="12 values from 2026-01-01 to 2026-12-01; the most frequent has 50")
    expect(months.locator("rect")).to_have_count(12)
    expect(page.get_by_role("img", name="Histogram from 0 to 599")).to_be_visible()
    expect(page.get_by_role("img", name="true, 300")).to_be_visible()
    expect(page.get_by_text("First row: names guessed")).to_be_visible()
    expect(page.get_by_role("region", name="First rows").get_by_role("row")).to_have_count(101)

    watched.open("gradient.png")
    expect(page.get_by_alt_text("Preview")).to_have_js_property("naturalWidth", 640)
    watched.open("report.pdf")
    expect(page.get_by_alt_text("First page")).to_have_js_property("complete", value=True)
    expect(page.get_by_role("region", name="Text")).to_contain_text("Harbour report")
    expect(page.locator(".timeline li")).to_have_count(3)


def test_a_picture_dropped_on_a_fresh_run_is_soon_a_thumbnail(
    open_page: Open, tmp_path: Path, measured: Measured
) -> None:
    """The way of a newcomer once everything is installed: `make run`, open the page, drop a picture."""
    began = time.monotonic()
    with started(tmp_path / "fresh") as runtime:
        answered = time.monotonic()
        watched = open_page(runtime=runtime)
        watched.go()
        opened = time.monotonic()
        watched.drop("harbour.png", png(), "image/png")
        thumbnail = watched.page.locator("wharf-list tr").filter(has_text="harbour.png").locator(".thumb img")
        expect(thumbnail).to_have_js_property("naturalWidth", 320)
        expect(thumbnail).to_be_visible()
        seen = time.monotonic()
        watched.page.context.close()

    measured(
        f"first thumbnail: seen {seen - began:.1f} s after the start of the service, which answered "
        f"after {answered - began:.1f} s; {seen - opened:.1f} s after the drop"
    )


def test_a_broken_file_is_told_in_plain_words(open_page: Open, running: Runtime) -> None:
    watched = open_page()
    watched.go()
    row = watched.drop("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "image/png")

    expect(row.locator(".badge")).to_have_text("rejected")
    [stored] = api(running).get("/v1/objects?status=rejected&limit=1").json()["items"]
    expect(row).to_contain_text(stored["problem"]["detail"])
    listed = watched.page.locator("wharf-list tbody tr").filter(has_text="broken.png")
    expect(listed.locator("td.size")).to_have_text("72 bytes")
    expect(listed.locator("td.contents")).to_have_text(stored["problem"]["detail"])
    watched.open("broken.png")
    expect(watched.page.locator(".notice.rejected")).to_contain_text("invalid_content")
    facts = watched.page.get_by_role("complementary", name="About the object")
    expect(facts).to_contain_text("Declared typeimage/pngDeclared size72 bytes")


def test_a_charset_that_cannot_be_told_is_declared_with_a_new_revision(open_page: Open) -> None:
    watched = open_page()
    page = watched.page
    watched.go()
    row = watched.drop("mixed.csv", MIXED_CSV)
    expect(row).to_contain_text("Declare the charset in the media type")
    watched.open("mixed.csv")
    page.get_by_role("button", name="New revision").click()
    media_type = page.get_by_label("Media type")
    expect(media_type).to_have_value("text/csv")
    media_type.fill("text/csv; charset=windows-1252")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose the file").click()
    chooser.value.set_files(FilePayload(name="mixed.csv", mimeType="text/csv", buffer=MIXED_CSV))

    expect(page.locator("wharf-object .head .badge")).to_have_text("ready")


def test_the_uploads_say_when_they_are_done_and_get_out_of_the_way(open_page: Open) -> None:
    watched = open_page(owner="tidy")
    page = watched.page
    watched.go()
    panel = page.get_by_role("region", name="Uploads")
    for name, content in (("a.csv", CSV), ("broken.png", b"\x89PNG\r\n\x1a\n")):
        watched.drop(name, content)
    expect(panel.get_by_role("heading")).to_have_text("Done: 1 ready, 1 rejected")
    page.get_by_role("link", name="Webhooks").click()
    expect(page.locator("h1")).to_have_text("Webhooks")
    expect(panel.get_by_role("listitem")).to_have_count(0)
    expect(panel.get_by_role("button", name="Show")).to_have_attribute("aria-expanded", "false")

    watched.drop("b.csv", CSV)
    expect(panel.get_by_role("heading")).to_have_text("Done: 2 ready, 1 rejected")
    expect(panel.get_by_role("listitem")).to_have_count(3)
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_choices_and_columns_have_plain_names(open_page: Open, running: Runtime) -> None:
    hook = api(running, "named").post("/v1/webhooks", b'{"url": "https://hooks.example.com/wharf"}')
    watched = open_page(owner="named")
    page = watched.page
    watched.go()
    expect(page.get_by_label("Upload as")).to_have_text(re.compile("^the kind that fits"))
    watched.go(f"webhooks/{hook.json()['id']}")
    expect(page.get_by_label("State")).to_be_visible()
    heads = page.locator(".log thead th").all_text_contents()

    assert heads == ["Event", "State", "Last answer", "Attempts", "Time of the event", "Action"]


def test_what_is_hostile_stays_text(open_page: Open) -> None:
    watched = open_page()
    page = watched.page
    watched.go()
    watched.drop(f"{MARKUP}.csv", HOSTILE_CSV)
    watched.drop(f"{MARKUP}.svg", HOSTILE_SVG, "image/svg+xml")
    for name in (f"{MARKUP}.csv", f"{MARKUP}.svg"):
        expect(watched.row(name).locator(".badge")).to_have_text("ready")

    watched.open(f"{MARKUP}.csv")
    expect(page.get_by_role("region", name="First rows")).to_contain_text("</td><script>alert(1)</script>")
    expect(page.get_by_text("1 cell like a formula")).to_be_visible()
    watched.open(f"{MARKUP}.svg")
    expect(page.locator(".figures")).to_contain_text("detected media type")
    assert page.locator("img[src=x], main script, svg script").count() == 0


def wait_until_sent(bar: Locator, size: int) -> None:
    give_up = time.monotonic() + PATIENCE_MS / 1000
    while bar.evaluate("bar => bar.value") < size:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def large_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for number in range(size // 1000**2):
            file.write(number.to_bytes(4, "big") * 250_000)
    return path


def part_of(request: Request) -> int | None:
    """Return the number of the part that a request sends; None if it sends none."""
    numbers = parse_qs(urlsplit(request.url).query).get("partNumber", [])
    return int(numbers[0]) if request.method == "PUT" and numbers else None


def limit_uploads(network: CDPSession, bytes_per_second: int) -> None:
    """Limit what a page uploads; -1 lifts the limit."""
    network.send("Network.enable")
    limits = {"downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    network.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0} | limits)


def test_a_large_upload_shows_its_progress_and_goes_on_after_a_reload(
    open_page: Open, tmp_path: Path
) -> None:
    watched = open_page()
    page = watched.page
    large = large_file(tmp_path / "large.bin", LARGE_BYTES)
    stored: dict[str, set[int]] = {"before": set(), "after": set()}
    moment = ["before"]

    def note(request: Request) -> None:
        number = part_of(request)
        answer = request.response() if number else None
        if number and answer and answer.status == 200:
            stored[moment[0]].add(number)

    page.on("requestfinished", note)
    watched.go()
    network = page.context.new_cdp_session(page)
    limit_uploads(network, SLOW_BYTES_PER_SECOND)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("u")
    chooser.value.set_files(large)
    row = watched.row("large.bin")
    bar = row.get_by_role("progressbar")
    expect(row).to_contain_text("left")
    wait_until_sent(bar, 60_000_000)

    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    row.get_by_role("button", name="Resume").click()
    wait_until_sent(bar, 90_000_000)
    assert float(bar.get_attribute("max") or 0) == LARGE_BYTES
    moment[0] = "after"
    limit_uploads(network, -1)
    page.reload()

    expect(watched.row("large.bin").locator(".badge")).to_have_text("ready", timeout=120_000)
    assert len(stored["before"]) >= 5
    assert stored["before"].isdisjoint(stored["after"])
    watched.open("large.bin")
    expect(page.locator(".facts")).to_contain_text("200 MB")


def test_after_a_reload_each_of_two_uploads_is_run_once(open_page: Open, tmp_path: Path) -> None:
    watched = open_page(owner="twice")
    page = watched.page
    files = [large_file(tmp_path / name, IN_PARTS_BYTES) for name in ("one.bin", "two.bin")]
    watched.go()
    network = page.context.new_cdp_session(page)
    limit_uploads(network, SLOW_BYTES_PER_SECOND // 2)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files(files)
    for file in files:
        expect(watched.row(file.name)).to_contain_text("left")
    for file in files:
        wait_until_sent(watched.row(file.name).get_by_role("progressbar"), IN_PARTS_BYTES * 2 // 3)

    sent: Counter[str] = Counter()

    def note(request: Request) -> None:
        path = urlsplit(request.url).path
        number = part_of(request)
        if number or (request.method == "POST" and path.endswith(("/v1/objects", "/complete"))):
            sent[f"{path} {number or request.post_data}"] += 1

    page.on("request", note)
    # A part that the old page begins at its end may be begun again.
    page.on("framenavigated", lambda _: sent.clear())
    page.reload()
    limit_uploads(network, -1)
    for file in files:
        expect(watched.row(file.name).locator(".badge")).to_have_text("ready", timeout=PATIENCE_MS)

    assert sum("/complete" in what for what in sent) == len(files)
    assert sum("/v1/objects {" in what for what in sent) == len(files)
    assert len(sent) > 2 * len(files)
    assert set(sent.values()) == {1}


def test_an_upload_that_nothing_can_withdraw_is_stopped_in_words(
    open_page: Open, running: Runtime, tmp_path: Path
) -> None:
    made = api(running, "stops").upload("file", "a.txt", "text/plain", b"a")
    api(running, "stops").wait_until_settled(made)
    watched = open_page(owner="stops")
    page = watched.page
    watched.go(f"objects/{made}")
    limit_uploads(page.context.new_cdp_session(page), 100_000)
    page.get_by_role("button", name="New revision").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose the file").click()
    chooser.value.set_files(large_file(tmp_path / "next.bin", 5 * 1000**2))
    expect(watched.row("next.bin")).to_contain_text("left")
    page.get_by_role("button", name="Cancel next.bin").click()

    told = page.get_by_role("status").filter(
        has_text="The upload is stopped here. a.txt waits for its file until"
    )
    expect(told).to_be_visible()
    expect(page.locator("wharf-uploads li")).to_have_count(0)
    expect(page.locator("wharf-object .head .badge")).to_have_text("pending")
    assert api(running, "stops").get(f"/v1/objects/{made}").json()["incoming"]["size"] == 5 * 1000**2


def test_whoever_saves_last_sees_both_versions_and_chooses(open_page: Open, running: Runtime) -> None:
    made = create(running, kind="record", name="order 42", attributes={"total": "9.90"}, labels={"team": "a"})
    watched = open_page()
    page = watched.page
    watched.go(f"objects/{made}")
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Labels").fill("team: mine")
    page.get_by_role("textbox", name="Attributes").fill('{"total": "12.50"}')
    other = open_page()
    other.go(f"objects/{made}")
    other.page.get_by_role("button", name="Edit").click()
    other.page.get_by_label("Name").fill("order 42, paid")
    other.page.get_by_role("textbox", name="Labels").fill("team: theirs")
    other.page.get_by_role("button", name="Save").click()
    expect(other.page.locator("h1")).to_have_text("order 42, paid")

    # The browser tells of every answer of 400 and more; this one is meant.
    page.get_by_role("button", name="Save").click()
    conflict = page.get_by_role("alert").filter(has_text="Somebody changed it")
    expect(conflict).to_contain_text("theirs")
    expect(conflict).to_contain_text("mine")
    assert all("412" in fault for fault in watched.faults)
    watched.faults.clear()
    conflict.get_by_role("button", name="Save yours over it").click()

    expect(page.locator("dialog")).to_have_count(0)
    stored = api(running).get(f"/v1/objects/{made}").json()
    assert (stored["name"], stored["labels"]) == ("order 42, paid", {"team": "mine"})
    assert stored["attributes"] == {"total": "12.50"}
    expect(page.locator(".timeline .updated").first).to_contain_text("theirs → mine")


def test_a_delivery_is_seen_and_replayed(open_page: Open, running: Runtime) -> None:
    watched = open_page(owner="hooked")
    page = watched.page
    with receiving(Receiver(answer=lambda _: (200, b"thanks"))) as receiver:
        watched.go("webhooks")
        page.get_by_role("button", name="New webhook").click()
        page.get_by_label("URL").fill(receiver.url)
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_label("The secret")).to_have_value(re.compile(r"whsec_.+"))
        page.get_by_role("button", name="Done").click()
        expect(page.locator("h1")).to_have_text(receiver.url)
        create(running, owner="hooked", kind="record", name="told")
        row = page.locator(".log tbody tr").first
        expect(row).to_contain_text("object.created")
        expect(row.locator(".badge")).to_have_text("delivered")
        row.get_by_role("button", name="Replay").click()
        expect(row).to_contain_text("2 attempts")
        page.get_by_role("button", name="Send a test").click()
        expect(page.locator(".log tbody tr")).to_have_count(2)
        expect(page.locator(".log .badge.delivered")).to_have_count(2)

    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 2


def test_an_endpoint_that_fails_and_then_is_gone_is_seen_on_its_page(
    open_page: Open, running: Runtime
) -> None:
    caller = api(running, "fails")
    watched = open_page(owner="fails")
    page = watched.page
    with receiving(Receiver(answer=lambda number: (503 if number == 1 else 410, b""))) as receiver:
        made = caller.post("/v1/webhooks", f'{{"url": "{receiver.url}"}}'.encode()).json()
        watched.go(f"webhooks/{made['id']}")
        badge = page.locator("wharf-webhook > .head .badge")
        expect(badge).to_have_text("on")
        create(running, owner="fails", kind="record", name="told")
        expect(badge).to_have_text("failing")
        expect(page.get_by_text("The endpoint began to fail")).to_be_visible()
        give_up = time.monotonic() + PATIENCE_MS / 1000
        while caller.get(f"/v1/webhooks/{made['id']}").json()["enabled"]:
            assert time.monotonic() < give_up
            time.sleep(0.2)
        page.get_by_role("button", name="Refresh").click()

        expect(badge).to_have_text("switched off")
        expect(page.get_by_text("the endpoint answered 410 Gone")).to_be_visible()
        expect(page.get_by_role("button", name="Replay object.created")).to_be_disabled()


def test_the_keyboard_alone_is_enough(open_page: Open, running: Runtime) -> None:
    made = create(running, owner="keys", kind="record", name="by keyboard")
    watched = open_page(owner="keys")
    page = watched.page
    watched.go()
    expect(page.locator("wharf-list tbody a")).to_have_count(1)

    def reach(name: str) -> None:
        """Press Tab until what has the focus is named so."""
        for _ in range(60):
            page.keyboard.press("Tab")
            told = page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
            )
            if told == name:
                return
        pytest.fail(f"Tab does not lead to {name!r}")

    reach("by keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("wharf-object h1")).to_have_text("by keyboard")
    reach("Edit")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(" alone")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("by keyboard alone")
    reach("Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    reach("Delete")
    page.keyboard.press("Enter")
    reach("Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Drop a file anywhere")).to_be_visible()
    assert api(running, "keys").get(f"/v1/objects/{made}").status == 404


def test_without_a_connection_it_says_so_and_comes_back(open_page: Open, running: Runtime) -> None:
    create(running, owner="gone", kind="record", name="still here")
    watched = open_page(owner="gone")
    watched.go()
    watched.page.context.set_offline(True)
    expect(watched.page.locator("#offline")).to_be_visible()
    watched.page.context.set_offline(False)
    create(running, owner="gone", kind="record", name="came later")

    expect(watched.page.locator("#offline")).to_be_hidden()
    expect(watched.page.get_by_role("link", name="came later")).to_be_visible()
    watched.faults.clear()


def test_what_the_feed_tells_while_the_list_is_read_stays(open_page: Open, running: Runtime) -> None:
    older = create(running, owner="early", kind="record", name="older")
    watched = open_page(owner="early")
    page = watched.page

    held: list[tuple[Route, APIResponse]] = []
    page.route("**/v1/objects?*", lambda route: held.append((route, route.fetch())))
    watched.go()
    newer, renamed = (page.get_by_role("link", name=name) for name in ("newer", "renamed"))
    change = {"Content-Type": "application/merge-patch+json", "X-Owner": "early"}
    send("PATCH", f"{running.url}/v1/objects/{older}", body=b'{"name": "renamed"}', headers=change)
    create(running, owner="early", kind="record", name="newer")
    expect(newer).to_be_visible()
    expect(renamed).to_be_visible()
    [(route, before)] = held
    route.fulfill(response=before)

    expect(page.locator("wharf-list .foot")).to_have_text("2 objects")
    expect(newer).to_be_visible()
    expect(renamed).to_be_visible()


def test_an_object_that_leaves_a_filter_leaves_the_list(open_page: Open, running: Runtime) -> None:
    first, second = (
        create(running, owner="leaves", kind="record", name=name, labels={"team": "a"})
        for name in ("first", "second")
    )
    watched = open_page(owner="leaves")
    page = watched.page
    watched.go("?label=team:a")
    rows = page.locator("wharf-list tbody tr")
    expect(rows).to_have_count(2)
    change = {"Content-Type": "application/merge-patch+json", "X-Owner": "leaves"}
    body = b'{"labels": {"team": "b"}}'
    send("PATCH", f"{running.url}/v1/objects/{first}", body=b'{"name": "renamed"}', headers=change)
    expect(page.get_by_role("link", name="renamed")).to_be_visible()
    send("PATCH", f"{running.url}/v1/objects/{first}", body=body, headers=change)
    expect(rows).to_have_count(1)
    expect(page.locator("wharf-list .foot")).to_have_text("1 object")
    expect(page.get_by_role("link", name="second")).to_be_visible()
    send("PATCH", f"{running.url}/v1/objects/{second}", body=body, headers=change)

    expect(page.get_by_role("heading", name="No objects match")).to_be_visible()


def test_a_list_that_begins_anew_leaves_out_a_page_that_was_on_its_way(
    open_page: Open, running: Runtime
) -> None:
    names = [f"record {number}" for number in range(45)]
    for name in names:
        create(running, owner="anew", kind="record", name=name)
    watched = open_page(owner="anew")
    page = watched.page
    held: list[Route] = []

    def hold_once(route: Route) -> None:
        route.continue_() if held else held.append(route)

    page.route("**/v1/objects?*cursor=*", hold_once)
    watched.go()
    expect(page.get_by_role("button", name="Load more")).to_be_visible()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("wharf-list table")).to_have_attribute("aria-busy", "true")
    problem = {
        "status": 410,
        "content_type": "application/problem+json",
        "body": '{"code": "cursor_expired"}',
    }
    page.route("**/v1/events?after=*&wait=*", lambda route: route.fulfill(**problem), times=1)
    with page.expect_response(lambda response: response.status == 410):
        create(running, owner="anew", kind="record", name="told by the feed")
    expect(page.locator("wharf-list tbody tr")).to_have_count(40)
    held[0].continue_()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")

    expect(page.locator("wharf-list .foot")).to_have_text("46 objects")
    expect(page.locator("wharf-list tbody tr")).to_have_count(46)
    watched.faults.clear()


def test_a_folder_is_refused_in_words(open_page: Open, tmp_path: Path) -> None:
    watched = open_page(owner="folder")
    watched.go()
    network = watched.page.context.new_cdp_session(watched.page)
    for step in ("dragEnter", "dragOver", "drop"):
        dragged = {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1}
        network.send("Input.dispatchDragEvent", {"type": step, "x": 300, "y": 300, "data": dragged})

    expect(watched.page.get_by_text("A folder cannot be uploaded: drop its files.")).to_be_visible()
    expect(watched.page.locator("wharf-uploads li")).to_have_count(0)


def test_the_button_back_closes_a_dialog(open_page: Open, running: Runtime) -> None:
    made = create(running, owner="back", kind="record", name="open")
    watched = open_page(owner="back")
    page = watched.page
    watched.go()
    page.get_by_role("link", name="open").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Objects")).to_be_visible()
    assert api(running, "back").get(f"/v1/objects/{made}").status == 200


def test_what_is_told_is_seen_above_an_open_dialog(open_page: Open, running: Runtime) -> None:
    made = api(running, "told").upload("file", "a.txt", "text/plain", b"a")
    watched = open_page(owner="told")
    page = watched.page
    page.context.grant_permissions(["clipboard-write"])
    watched.go(f"objects/{made}")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("button", name="Copy").click()
    told = page.get_by_role("status").filter(has_text="Copied.")
    expect(told).to_be_visible()
    told.get_by_role("button", name="Dismiss").click()
    expect(told).to_have_count(0)
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Close").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(told).to_be_visible()
