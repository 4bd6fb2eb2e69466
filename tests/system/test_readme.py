"""Run every command that the README shows; look up every target and page that the docs name."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.system.conftest import ROOT, Runtime

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("time", ["the first time", "again"])
def test_the_real_run_runs(running: Runtime, tmp_path: Path, time: str) -> None:
    """The second run finds the data folder of the first."""
    script = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
    here = script.replace("http://127.0.0.1:8000", running.url).replace(
        "make ", f"make -C {ROOT} --no-print-directory "
    )

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here],
        cwd=tmp_path,
        env={**os.environ, "DATA_DIR": str(running.data_dir)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert '"rows": 120000' in done.stdout
    assert '"name": "distance_km"' in done.stdout or '"name": "trip"' in done.stdout
    for event in ("object.created", "object.processing", "object.ready"):
        assert f"'type': '{event}'" in done.stdout
    assert re.search(r"event\.published version=3 type=object\.ready", done.stdout)
    assert 'wharf_objects_total{kind="dataset",outcome="ready"} ' in done.stdout
    assert '"code":"invalid_input"' in done.stdout
    assert not re.search(r"\}[^\s,\]}\"]", done.stdout), "an answer ends without a new line"


def test_every_make_target_that_the_docs_name_exists() -> None:
    texts = [page.read_text() for page in PAGES]
    named = {
        target for text in texts for target in re.findall(r"(?:`|^)make ([a-z0-9-]+)", text, re.MULTILINE)
    }

    assert named >= {"run", "test", "check"}
    assert named - set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE)) == set()


def test_every_page_that_the_docs_link_exists() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links {link}"
