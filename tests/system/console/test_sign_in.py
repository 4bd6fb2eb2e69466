"""Signing in to the console with an API key, at a hosted page with PKCE, or not at all with IAM.

The API is its function's handler behind a stand-in for API Gateway, below a stage. The hosted page is a
stand-in for Cognito's, which redeems a code only with the verifier of its challenge.
"""

import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Page, expect

from app.api.app import create_app
from app.api.services import ApiServices
from tests.conftest import Aws
from tests.edges.conftest import settings_for
from tests.services import services_on
from tests.system.chromium import chromium
from tests.system.console.gateway import HostedSignIn, Vouch, gateway, serving
from tests.system.console.test_looks import assess
from tests.system.console.watched import CSV, PATIENCE_MS, Watched

pytestmark = pytest.mark.e2e

HOST = "sign-in.example"
CLIENT_ID = "console-client"
KEY, OTHER_KEY = "the-value-of-a-key", "no-key-at-all"
#: A presigned URL.
SIGNED = re.compile("X-Amz-Signature")
#: Reads the notes of unfinished uploads from the browser's database, without the files.
NOTES = """async () => {
  const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const database = await done(indexedDB.open("wharf", 1));
  const notes = await done(database.transaction("uploads").objectStore("uploads").getAll());
  return notes.map(({ file, ...note }) => JSON.parse(JSON.stringify(note)));
}"""
#: All that the tab keeps, whichever place it is kept in.
KEPT = "JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href])"


@pytest.fixture(scope="module")
def hosted() -> HostedSignIn:
    return HostedSignIn(CLIENT_ID)


@pytest.fixture(scope="module")
def hosted_port(hosted: HostedSignIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate_of(HOST, tmp_path_factory.mktemp("tls") / "both.pem"))
    with serving(hosted.answer, tls) as port:
        yield port


def certificate_of(host: str, file: Path) -> Path:
    """Write a certificate that is signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(encoding) + private)
    return file


@pytest.fixture(scope="module")
def browser(hosted_port: int) -> Iterator[Browser]:
    """Chromium that finds the hosted page on this machine, though its address has no port."""
    with chromium(f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{hosted_port}") as browser:
        yield browser


@pytest.fixture
def services(aws: Aws) -> ApiServices:
    return services_on(aws)


SignedInPage = Callable[..., Watched]


@pytest.fixture
def page_of(browser: Browser, services: ApiServices) -> Iterator[SignedInPage]:
    """Open the console of a stage with these settings; what it did is checked at the end."""
    expect.set_options(timeout=PATIENCE_MS)
    opened: list[Watched] = []
    with ExitStack() as stack:

        def make(mode: str, vouch: Vouch, **settings: Any) -> Watched:
            url = stack.enter_context(gateway(create_app(services, settings_for(mode, **settings)), vouch))
            context = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
            context.set_default_timeout(PATIENCE_MS)
            stack.callback(context.close)
            opened.append(Watched(context.new_page(), url, {url.split("/")[2], HOST}))
            return opened[-1]

        yield make
    for watched in opened:
        watched.check()


def is_signed_in(page: Page) -> None:
    expect(page.get_by_role("heading", name="Drop a file anywhere")).to_be_visible()


def only_401(watched: Watched) -> None:
    """Drop the lines of the browser on answers that were meant to be refused."""
    assert all("401" in fault for fault in watched.faults), watched.faults
    watched.faults.clear()


def by_key(headers: Mapping[str, str]) -> Mapping[str, Any] | None:
    return {"identity": {"apiKeyId": "abc123"}} if headers.get("x-api-key") == KEY else None


def test_with_an_api_key(page_of: SignedInPage) -> None:
    watched = page_of("api-key", by_key)
    page = watched.page
    keys: set[str | None] = set()
    page.on("request", lambda one: keys.add(one.headers.get("x-api-key")) if "/v1/" in one.url else None)
    page.goto(f"{watched.url}/")
    expect(page.get_by_role("heading", name="Sign in with an API key")).to_be_visible()
    assess(page, "the sign-in with a key")
    page.get_by_label("API key").fill(OTHER_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_text("This key is not known here.")).to_be_visible()
    assert OTHER_KEY not in page.evaluate(KEPT)
    only_401(watched)

    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    is_signed_in(page)
    assert json.loads(page.evaluate(KEPT)) == [{"wharf.key": KEY}, {}, "", f"{watched.url}/"]
    page.reload()
    is_signed_in(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()

    assert KEY not in page.evaluate(KEPT)
    assert keys == {OTHER_KEY, KEY}


def test_the_note_of_an_unfinished_upload_holds_no_secret_and_no_url(page_of: SignedInPage) -> None:
    """It outlives the tab, so that another visit goes on."""
    watched = page_of("api-key", by_key)
    page = watched.page
    page.route(SIGNED, lambda _: None)  # never answered
    page.goto(f"{watched.url}/")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    is_signed_in(page)
    with page.expect_request(SIGNED) as asked:
        watched.drop("cities.csv", CSV, "text/csv")
    watched.allowed.add(urlsplit(asked.value.url).netloc)

    [note] = page.evaluate(NOTES)

    assert (note["name"], note["size"]) == ("cities.csv", len(CSV))
    assert set(note) <= {"key", "id", "kind", "name", "type", "size", "sha256", "modified", "owner", "whole"}
    assert not [secret for secret in (KEY, "http", "Signature") if secret in json.dumps(note)]


@pytest.fixture
def with_cognito(page_of: SignedInPage, hosted: HostedSignIn) -> Watched:
    settings = {"sign_in_url": f"https://{HOST}", "sign_in_client_id": CLIENT_ID}
    watched = page_of("cognito", hosted.vouch, **settings)
    hosted.callbacks = {f"{watched.url}/"}
    hosted.grants.clear()
    return watched


def test_at_the_hosted_page(with_cognito: Watched, hosted: HostedSignIn) -> None:
    watched, page = with_cognito, with_cognito.page
    page.goto(f"{watched.url}/#/usage")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assess(page, "the sign-in at the hosted page")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Sign in as Ann").click()
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    session, local, cookies, place = json.loads(page.evaluate(KEPT))
    assert (set(session), local, cookies, place) == ({"wharf.tokens"}, {}, "", f"{watched.url}/#/usage")
    assert hosted.grants == [("authorization_code", 200)]

    hosted.access.clear()
    page.get_by_role("link", name="Objects").click()
    is_signed_in(page)
    assert hosted.grants[1:] == [("refresh_token", 200)]
    only_401(watched)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.wait_for_function("!sessionStorage.length")
    page.reload()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert hosted.refresh == set()


def test_a_session_that_cannot_be_renewed_asks_to_sign_in_again(
    with_cognito: Watched, hosted: HostedSignIn
) -> None:
    watched, page = with_cognito, with_cognito.page
    page.goto(f"{watched.url}/")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Sign in as Ann").click()
    is_signed_in(page)
    hosted.access.clear()
    hosted.refresh.clear()
    page.get_by_role("link", name="Usage").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    watched.faults.clear()


def test_a_code_without_the_verifier_of_its_challenge_signs_nobody_in(
    with_cognito: Watched, hosted: HostedSignIn
) -> None:
    watched, page = with_cognito, with_cognito.page
    page.goto(f"{watched.url}/")
    page.get_by_role("button", name="Sign in").click()
    link = page.get_by_role("link", name="Sign in as Ann").get_attribute("href")
    page.goto(f"{watched.url}/")
    page.evaluate(
        """sessionStorage["wharf.pkce"] = sessionStorage["wharf.pkce"].replace(/.(?=","ticket)/, "~")"""
    )
    page.goto(link or "")

    expect(page.get_by_text("Sign in again.")).to_be_visible()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert hosted.grants == [("authorization_code", 400)]
    assert json.loads(page.evaluate(KEPT))[0] == {}
    watched.faults.clear()


@pytest.mark.parametrize("query", ["code=stolen&state=forged", "error=access_denied&state=forged"])
def test_an_answer_that_was_not_asked_for_is_refused(
    with_cognito: Watched, hosted: HostedSignIn, query: str
) -> None:
    page = with_cognito.page
    page.goto(f"{with_cognito.url}/?{query}")

    expect(page.get_by_text("The sign-in was not begun here.")).to_be_visible()
    assert hosted.grants == []
    assert page.url == f"{with_cognito.url}/"


def test_whoever_refuses_is_not_signed_in(with_cognito: Watched, hosted: HostedSignIn) -> None:
    page = with_cognito.page
    page.goto(f"{with_cognito.url}/")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Refuse").click()

    expect(page.get_by_text("Nobody was signed in.")).to_be_visible()
    assert hosted.grants == []


def test_with_iam_it_says_that_it_cannot(page_of: SignedInPage) -> None:
    watched = page_of("iam", lambda _: None)
    page = watched.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/v1/" in one.url else None)
    page.goto(f"{watched.url}/")

    expect(page.get_by_role("heading", name="This stack asks for signed requests")).to_be_visible()
    page.evaluate("location.hash = '#/usage'")
    expect(page.get_by_role("heading", name="This stack asks for signed requests")).to_be_visible()
    expect(page.locator("main").get_by_role("textbox")).to_have_count(0)
    expect(page.get_by_role("navigation")).to_have_count(0)
    assess(page, "no sign-in")
    page.wait_for_load_state("networkidle")
    assert asked == []


def test_a_pool_whose_sign_in_is_not_named_is_told(page_of: SignedInPage) -> None:
    watched = page_of("cognito", lambda _: None)
    watched.page.goto(f"{watched.url}/")

    expect(watched.page.get_by_role("heading", name="The sign-in is not set up")).to_be_visible()
    assess(watched.page, "a sign-in that is not set up")
