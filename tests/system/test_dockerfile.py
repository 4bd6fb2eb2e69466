"""The image's steps, carried out in folders: Docker itself is not needed, and not tested."""

import subprocess
from pathlib import Path

import pytest

from app.local.aws.emulator import EVERYWHERE
from tests.system.client import Client
from tests.system.conftest import ROOT, Runtime, free_port, wait_until_healthy
from tests.system.dockerfile import Stage, carry_out

pytestmark = pytest.mark.builds

DOCKERFILE = ROOT / "Dockerfile"
#: An address of this machine that `make run` does not listen on.
ELSEWHERE = "127.0.0.2"
CSV = b"a,b\n1,2\n"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return carry_out(DOCKERFILE, tmp_path_factory.mktemp("image"))


def test_a_container_serves_whoever_reaches_its_ports(image: Stage) -> None:
    """Another address of this machine stands for all of them, which a test must not open."""
    port, aws_port = free_port(), free_port()
    assert EVERYWHERE in image.entrypoint
    command = [ELSEWHERE if word == EVERYWHERE else word for word in image.entrypoint]
    data = Path(image.mapped("/data"))
    with (data / "output.log").open("w") as output:
        process = subprocess.Popen(
            [*command, f"--port={port}", f"--aws-port={aws_port}"],
            cwd=image.workdir,
            env=image.variables(),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    runtime = Runtime(process, port, aws_port, data, ELSEWHERE)
    try:
        wait_until_healthy(runtime)
        client = Client(runtime.url, {})
        settled = client.wait_until_settled(client.upload("dataset", "n.csv", "text/csv", CSV))
        check = [word.replace("127.0.0.1:8000", f"{ELSEWHERE}:{port}") for word in image.healthcheck]
        healthy = subprocess.run(check, env=image.variables(), check=False).returncode
        code = runtime.stop()
    finally:
        runtime.process.kill()
        runtime.process.wait()
    stopped = subprocess.run(check, env=image.variables(), capture_output=True, check=False).returncode

    assert settled["status"] == "ready"
    assert (healthy, code, stopped) == (0, 0, 1)


def test_the_container_is_nobody_of_importance(image: Stage) -> None:
    assert image.user == "10001:10001"


def test_what_the_context_keeps_out_cannot_be_copied(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\nCOPY secrets ./\n")
    (tmp_path / ".dockerignore").write_text("*\n!app\n")
    (tmp_path / "secrets").touch()

    with pytest.raises(AssertionError, match="secrets is ignored"):
        carry_out(tmp_path / "Dockerfile", tmp_path / "image")


def test_a_step_that_fails_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN true \\\n && false\n")

    with pytest.raises(subprocess.CalledProcessError):
        carry_out(tmp_path / "Dockerfile", tmp_path / "image")
