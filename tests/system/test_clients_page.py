"""Everything that docs/clients.md shows of Python and of the command line runs."""

import re
import stat
import subprocess
import sys
import venv
from pathlib import Path
from uuid import uuid4

import pytest

from tests.system.command_line import client_environment
from tests.system.conftest import ROOT, Runtime
from wharf_client.cli.exits import CODES, INTERRUPTED, REFUSED

PAGE = (ROOT / "docs" / "clients.md").read_text()
LAUNCHER = '#!/bin/sh\nexec "{python}" -m wharf_client.cli "$@"\n'


def shown(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cities.csv").write_text("city,people\nPorto,231800\nBergen,289330\n")
    (tmp_path / "trips.csv").write_text("trip,city\n1,Porto\n2,Bergen\n")
    launcher = tmp_path / "bin" / "wharf"
    launcher.parent.mkdir()
    launcher.write_text(LAUNCHER.format(python=sys.executable))
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def test_the_commands_run(running: Runtime, folder: Path) -> None:
    environment = client_environment(running, owner=f"page-{uuid4().hex[:8]}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(shown("bash"))],
        cwd=folder,
        env={**environment, "PATH": f"{folder / 'bin'}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "is ready: format csv, rows 2, columns 2" in done.stderr
    assert "2 rows, 2 columns" in done.stdout
    assert done.stdout.count("object.ready") == 3
    assert (folder / "copy.csv").read_bytes() == (folder / "trips.csv").read_bytes()


@pytest.mark.parametrize("number", range(len(shown("python"))))
def test_the_examples_in_python_run(running: Runtime, folder: Path, number: int) -> None:
    source = shown("python")[number].replace("(URL)", repr((running.url,)).replace(",)", ")"))
    environment = client_environment(running)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.builds
def test_the_package_can_be_installed_as_the_page_says(tmp_path: Path) -> None:
    [install] = re.findall(r"^pip (install '.*')$", PAGE, re.MULTILINE)
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    subprocess.run(f"{environment / 'bin/pip'} --quiet {install}", cwd=ROOT, shell=True, check=True)  # noqa: S602  # the page's own command
    told = subprocess.run([environment / "bin/wharf", "--help"], capture_output=True, text=True, check=True)

    assert "Upload files" in told.stdout


def test_the_codes_are_those_that_the_page_lists() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \| ", PAGE, re.MULTILINE)}

    assert listed == {0, REFUSED, 2, *CODES.values(), INTERRUPTED}


def test_the_commands_are_those_that_the_page_tells_of(running: Runtime) -> None:
    command = [sys.executable, "-m", "wharf_client.cli", "--help"]
    told = subprocess.run(
        command, env=client_environment(running), capture_output=True, text=True, check=True
    )
    commands = set(re.findall(r"^│ (\w+) ", told.stdout, re.MULTILINE))

    assert commands == {"put", "get", "ls", "show", "rm", "retry", "tail", "listen"}
    assert commands <= set(re.findall(r"wharf (\w+)", PAGE))
