"""Run every command that the README shows; look up every target and page that the docs name."""

import os
import re
import subprocess
from pathlib import Path

from tests.system.conftest import ROOT, Runtime

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def test_the_real_run_runs(running: Runtime, tmp_path: Path) -> None:
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


def test_every_make_target_that_the_docs_name_exists() -> None:
    texts = [page.read_text() for page in PAGES]
    named = {target for text in texts for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)}

    assert named >= {"run", "test", "check"}
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in named)


def test_every_page_that_the_docs_link_exists() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links {link}"
