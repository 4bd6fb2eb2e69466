"""The console: one page that is asked for again each time, and files that are kept for ever."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api.app import VERSION, create_app
from app.api.routes.console import FOLDER, Files, policy
from app.api.services import ApiServices
from app.config import ApiSettings, ConfigurationError
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.doors import STAGE

LARGEST_BYTES = 120_000
MOST_FILES = 12
SIGN_IN = "https://wharf.auth.eu-central-1.amazoncognito.com"
FILES = sorted(path.name for path in FOLDER.iterdir())
ASSETS = [name for name in FILES if name != "index.html"]
SCRIPTS = [name for name in FILES if name.endswith(".js")]


def links_of(page: str) -> set[str]:
    return set(re.findall(r'(?:src|href)="([^"#]+)"', page))


def told_on(page: str) -> dict[str, Any]:
    found = re.search(r'<meta name="wharf" content="([^"]*)"', page)
    assert found
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told


def test_it_is_small_and_of_few_files() -> None:
    assert len(FILES) <= MOST_FILES
    assert sum((FOLDER / name).stat().st_size for name in FILES) <= LARGEST_BYTES


class TestThePage:
    def test_its_links_lead_to_files_that_never_change(self, client: httpx2.Client) -> None:
        page = client.get("/")
        links = links_of(page.text)

        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert {link.rpartition("/")[2] for link in links} <= set(ASSETS)
        for link in links:
            answer = client.get(link.removeprefix(f"/{STAGE}"))
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"

    def test_it_is_asked_for_again_and_costs_nothing_if_it_is_the_same(self, client: httpx2.Client) -> None:
        first = client.get("/")
        again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
        other = client.get("/", headers={"If-None-Match": '"another"'})

        assert first.headers["Cache-Control"] == "private, no-cache"
        assert (again.status_code, again.content) == (304, b"")
        assert other.status_code == 200

    def test_below_a_stage_its_links_carry_the_stage_and_at_a_domain_they_do_not(
        self, services: ApiServices
    ) -> None:
        app = create_app(services, settings_for("api-key"))
        for stage, root in ((STAGE, f"/{STAGE}"), ("", "")):
            with through_lambda(app, stage=stage) as client:
                page = client.get("/").text

            assert {link.partition("/console/")[0] for link in links_of(page)} == {root}
            assert told_on(page)["root"] == root

    def test_its_links_carry_the_stage_too_if_its_address_ends_without_a_slash(
        self, services: ApiServices
    ) -> None:
        """API Gateway hands over the path `/` for `/dev` as for `/dev/`. Its context tells them apart."""
        app = create_app(services, settings_for("api-key"))
        with through_lambda(app, vouched={"path": f"/{STAGE}"}) as client:
            answer = client.get("/")

        assert {link.partition("/console/")[0] for link in links_of(answer.text)} == {f"/{STAGE}"}
        assert told_on(answer.text)["root"] == f"/{STAGE}"

    def test_it_names_no_place_relative_to_its_own(self, client: httpx2.Client) -> None:
        """A browser would look for it beside the stage, not below, if the address ends without a slash."""
        page = client.get("/").text
        scripts = "".join((FOLDER / name).read_text() for name in SCRIPTS)

        assert all(link.startswith("/") for link in links_of(page))
        assert not re.search(r"href: [`\"](?!#/|\$\{settings\.root\}/)", scripts)

    def test_it_is_told_how_callers_sign_in(self, services: ApiServices) -> None:
        settings = settings_for("cognito", sign_in_url=SIGN_IN, sign_in_client_id="abc", max_wait_seconds=7)
        told = told_on(TestClient(create_app(services, settings)).get("/").text)

        assert told == {
            "auth": "cognito",
            "wait": 7,
            "signIn": SIGN_IN,
            "clientId": "abc",
            "version": VERSION,
            "root": "",
        }

    def test_it_has_no_script_and_no_style_of_its_own(self, client: httpx2.Client) -> None:
        page = client.get("/").text

        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
        assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == [""]


class TestThePolicy:
    def test_it_allows_its_own_files_and_requests_to_the_bucket_and_nothing_else(
        self, client: httpx2.Client
    ) -> None:
        directives = client.get("/").headers["Content-Security-Policy"].split("; ")
        allowed = {name: sources for name, *sources in (one.split() for one in directives)}
        [own, bucket] = allowed["connect-src"]

        assert own == "'self'"
        assert re.fullmatch(r"https://[a-z0-9.-]+\.amazonaws\.com", bucket)
        assert allowed == {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "img-src": ["'self'", bucket],
            "connect-src": ["'self'", bucket],
            "worker-src": ["'self'"],
            "require-trusted-types-for": ["'script'"],
            "trusted-types": ["wharf"],
            "base-uri": ["'none'"],
            "form-action": ["'none'"],
            "frame-ancestors": ["'none'"],
        }

    def test_with_cognito_requests_may_go_to_its_sign_in_too(self) -> None:
        assert f"connect-src 'self' https://bucket.test {SIGN_IN};" in policy("https://bucket.test", SIGN_IN)

    @pytest.mark.parametrize("url", ["http://plain.test", "https://a.test/path", "https://a.test; img-src *"])
    def test_a_sign_in_that_is_more_than_a_host_stops_the_start(self, url: str) -> None:
        given = {"TABLE_NAME": "t", "BUCKET_NAME": "b", "AUTH_MODE": "cognito", "SIGN_IN_URL": url}
        with pytest.raises(ConfigurationError, match="SIGN_IN_URL"):
            ApiSettings.from_environment(given)


class TestTheFiles:
    @pytest.mark.parametrize("name", ASSETS)
    def test_each_is_served_as_what_it_is(self, client: httpx2.Client, name: str) -> None:
        answer = client.get(f"/console/{Files.read().digest}/{name}")
        kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

        assert answer.content == (FOLDER / name).read_bytes()
        assert answer.headers["Content-Type"].partition(";")[0] == kinds[Path(name).suffix]
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")

    def test_another_hash_and_another_name_lead_nowhere(self, client: httpx2.Client) -> None:
        digest = Files.read().digest
        for path in ("0123456789abcdef/main.js", f"{digest}/index.html", f"{digest}/nothing.js", digest):
            answer = client.get(f"/console/{path}")

            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert "immutable" not in answer.headers["Cache-Control"]

    def test_the_hash_changes_with_every_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        shutil.copytree(FOLDER, tmp_path / "console")
        monkeypatch.setattr("app.api.routes.console.FOLDER", tmp_path / "console")
        seen = {Files.read().digest}
        for name in FILES:
            path = tmp_path / "console" / name
            path.write_bytes(path.read_bytes() + b"\n")
            seen.add(Files.read().digest)

        assert len(seen) == len(FILES) + 1

    @pytest.mark.parametrize("name", SCRIPTS)
    def test_no_script_makes_a_script_or_markup_of_a_text(self, name: str) -> None:
        """Trusted Types would refuse it too, in the browsers that have them."""
        script = (FOLDER / name).read_text()

        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|srcdoc", script
        )
        assert not re.search(r"https?://(?!www\.w3\.org/|example\.com/)", script)
        assert "localStorage" not in script


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what console_functions.mjs prints. Node takes a file as a module only by the name of a copy."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node on the PATH")
    folder = tmp_path_factory.mktemp("functions")
    for name in ("dom.js", "sha256.js"):
        shutil.copy(FOLDER / name, (folder / name).with_suffix(".mjs"))
    script = Path(__file__).with_name("console_functions.mjs").read_text()
    (folder / "main.mjs").write_text(script.replace("FOLDER", folder.as_uri()))
    done = subprocess.run(
        [node, folder / "main.mjs"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestItsFunctions:
    def test_sha_256_is_that_of_the_library_however_the_bytes_come(self, functions: Any) -> None:
        assert functions["hashed"] > 50
        assert functions["different"] == []

    def test_the_kind_follows_from_name_type_and_size(self, functions: Any) -> None:
        assert functions["kinds"] == {
            "trips.csv": ["dataset", "text/csv"],
            "TRIPS.CSV.GZ": ["dataset", "text/csv"],
            "cat.JPG": ["image", "image/jpeg"],
            "report.pdf": ["document", "application/pdf"],
            "drawing.svg": ["file", "image/svg+xml"],
            "archive.tar.gz": ["file", "application/gzip"],
            "no ending": ["file", "application/octet-stream"],
            "huge.csv": ["file", "text/csv"],
        }

    def test_a_merge_patch_holds_what_changed_and_removes_with_null(self, functions: Any) -> None:
        assert functions["patch"] == {
            "name": "b",
            "labels": {"x": None, "z": "3"},
            "attributes": {"in": {"n": 2}},
        }
        assert functions["same"] is None

    def test_differences_name_each_field_that_differs(self, functions: Any) -> None:
        assert functions["differences"] == [["name", "a", "b"], ["attributes › in › n", 1, 2]]

    def test_texts_are_short_and_in_plain_words(self, functions: Any) -> None:
        assert functions["texts"] == {
            "bytes": ["0 bytes", "1 byte", "999 bytes", "1.0 KB", "183 KB", "1.5 GB"],
            "short": ["0", "4,000", "1,999.5", "67.54", "0.001", "1.23e-7", "12.35M", "x"],
            "ago": ["now", "2 minutes ago", "yesterday"],
            "duration": ["5 ms", "1.5 s", "2 min"],
            "fault": "name: Too long.",
            "name": "a·b",
        }

    def test_a_column_of_few_values_is_drawn_by_its_values_and_another_by_its_bins(
        self, functions: Any
    ) -> None:
        bins = [[1, 1.5, 3], [1.5, 2, 0], [2, 2.5, 1], [2.5, 3, 2]]

        assert functions["bars"] == {
            "months": [
                ["2026-01-01", "2026-01-01", 9],
                ["2026-01-19T00:00:00", "2026-02-06T00:00:00", 8],
                ["2026-02-24T00:00:00", "2026-03-14T00:00:00", 7],
                ["2026-04-01", "2026-04-01", 6],
            ],
            "stars": [[1, 1, 3], [2, 2, 1], [3, 3, 2]],
            "with two in a bin": bins,
            "estimated": bins,
        }

    def test_what_was_guessed_while_reading_is_told(self, functions: Any) -> None:
        assert functions["reading"] == [
            ["Delimiter: semicolon", False],
            ["Encoding: windows-1252", True],
            ["First row: names", True],
            ["2 short rows filled up", True],
        ]
        assert functions["written"] == ["written as %d/%m/%Y", "decimal mark “,”", "1 cell like a formula"]
