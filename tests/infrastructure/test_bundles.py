"""The bundles that `sam build` makes for AWS: the right files for the right machine, and no others."""

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from scripts.build import bundle
from tests.conftest import Measured

pytestmark = pytest.mark.builds

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILD_SECONDS = 600
MB = 1000**2
LAMBDA_LIMIT = 250 * MB
AARCH64 = 183

# Modules and packages, as their folders, for which a function has no use.
PROCESSING = {
    "app/processors",
    "app/sandbox",
    "charset_normalizer",
    "duckdb",
    "PIL",
    "pi_heif",
    "pypdfium2",
    "pyvips_binary.libs",
}
FOREIGN = {
    "api": {*PROCESSING, "app/worker", "app/sender", "app/local", "standardwebhooks"},
    "worker": {"cffi", "app/api", "app/local", "fastapi", "starlette", "mangum", "anyio"},
    "relay": {*PROCESSING, "app/api", "app/local", "app/sender", "app/worker", "fastapi", "starlette"},
    "sender": {*PROCESSING, "app/api", "app/local", "app/worker", "fastapi", "starlette"},
}
SERVICES = {
    "api": {"dynamodb", "s3", "sqs"},
    "worker": {"dynamodb", "s3", "sqs"},
    "relay": {"dynamodb", "s3", "sqs", "events"},
    "sender": {"dynamodb", "sqs"},
}
#: Bytecode, which a machine without Lambda's Python does not add, takes 7 to 12 MB of it.
LARGEST = {"api": 30 * MB, "worker": 150 * MB, "relay": 21 * MB, "sender": 21 * MB}

Bundles = Mapping[str, Path]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """Build from a copy that has the repository's files, and no environment."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, target)
    built = subprocess.run(
        [SAM, "build"],
        cwd=source,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    folder = source / ".aws-sam" / "build"
    resources = yaml_parse((folder / "template.yaml").read_text())["Resources"]
    return {
        name: folder / resources[f"{name.capitalize()}Function"]["Properties"]["CodeUri"]
        for name in bundle.FUNCTIONS
    }


@pytest.mark.parametrize("name", bundle.FUNCTIONS)
class TestBundle:
    def test_everything_native_is_for_graviton(self, bundles: Bundles, name: str) -> None:
        native = [path for path in files(bundles[name]) if path.read_bytes()[:4] == b"\x7fELF"]

        assert native
        assert {elf_machine(path) for path in native} == {AARCH64}
        assert {path for path in files(bundles[name]) if ".so" in path.suffixes} <= set(native)
        assert not [path for path in native if "cpython-3" in path.name and "cpython-313-" not in path.name]

    def test_it_holds_nothing_of_the_others(self, bundles: Bundles, name: str) -> None:
        assert not [folder for folder in FOREIGN[name] if (bundles[name] / folder).exists()]

    def test_it_has_the_data_of_the_aws_services_it_uses(self, bundles: Bundles, name: str) -> None:
        data = bundles[name] / "botocore" / "data"

        assert {path.name for path in data.iterdir() if path.is_dir()} == SERVICES[name]
        assert {path.name for path in data.iterdir() if path.is_file()} == {
            "_retry.json",
            "endpoints.json",
            "partitions.json",
            "sdk-default-configuration.json",
        }

    def test_it_holds_nothing_that_only_developers_need(self, bundles: Bundles, name: str) -> None:
        found = {str(path.relative_to(bundles[name])) for path in bundles[name].rglob("*")}

        assert not [path for path in found if re.search(r"(^|/)(tests?|bin|awscrt)(/|$)|\.pyi$", path)]
        assert {path.split("-")[0] for path in found if path.endswith(".dist-info")} <= {"duckdb"}

    def test_it_is_small_enough(self, bundles: Bundles, name: str, measured: Measured) -> None:
        found = files(bundles[name])
        size = sum(path.stat().st_size for path in found)
        measured(f"bundle for Lambda: {name} {size / MB:.1f} MB unpacked, {len(found)} files")

        assert size < LARGEST[name] < LAMBDA_LIMIT

    def test_its_bytecode_is_for_lambdas_python_and_never_checked(
        self, bundles: Bundles, name: str, measured: Measured
    ) -> None:
        modules = [path for path in files(bundles[name]) if path.suffix == ".py"]
        compiled = [path for path in files(bundles[name]) if path.suffix == ".pyc"]
        if not bundle.lambda_python():
            measured(
                f"bundle for Lambda: no python{bundle.RUNTIME} on this machine, so {name} has no bytecode"
            )
            assert compiled == []
            return

        assert len(compiled) == len(modules)
        assert {path.suffixes[-2] for path in compiled} == {".cpython-313"}
        # PEP 552: bit 0 says hash-based, bit 1 that the source is looked at.
        assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {1}

    def test_our_part_is_what_the_function_imports(self, bundles: Bundles, name: str) -> None:
        found = {path.relative_to(bundles[name]) for path in (bundles[name] / "app").rglob("*.py")}
        wanted = {path.relative_to(ROOT) for path in bundle.sources(bundle.FUNCTIONS[name])}

        assert found == wanted


def test_the_worker_finds_libwebp_by_the_names_that_it_calls(bundles: Bundles) -> None:
    """Pillow's module names the library that it is linked with, and the library exports the names."""
    libraries = [path for path in files(bundles["worker"]) if path.name.startswith("libwebp-")]
    [module] = [path for path in files(bundles["worker"]) if path.name.startswith("_webp.")]

    assert len(libraries) == 1
    assert libraries[0].name.encode() + b"\0" in module.read_bytes()
    for name in (b"WebPDecode", b"WebPInitDecoderConfigInternal"):
        assert b"\0" + name + b"\0" in libraries[0].read_bytes()


def test_the_api_has_the_console_and_no_other_function_has_it(bundles: Bundles) -> None:
    console = {path.name for path in (ROOT / "app" / "console").iterdir()}

    for name, folder in bundles.items():
        found = {path.name for path in (folder / "app" / "console").glob("*")}
        assert found == (console if name == "api" else set())


def test_the_same_sources_give_the_same_zip(bundles: Bundles, tmp_path: Path) -> None:
    again = tmp_path / "again"
    bundle.build("relay", again, "lambda")

    assert zipped(again, tmp_path / "b.zip") == zipped(bundles["relay"], tmp_path / "a.zip")


def test_what_is_built_does_not_depend_on_who_builds() -> None:
    """pip judges a lock's conditions by the Python it runs on, not by the one it installs for."""
    locks = [(ROOT / f"requirements/{name}.txt").read_text() for name in bundle.FUNCTIONS]

    assert not [line for lock in locks for line in lock.splitlines() if ";" in line]


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    with pytest.raises(SystemExit, match="is not empty"):
        bundle.build("relay", tmp_path, "lambda")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def elf_machine(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[18:20], "little")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def zipped(folder: Path, archive: Path) -> bytes:
    with zipfile.ZipFile(archive, "w") as file:
        for path in files(folder):
            file.write(path, path.relative_to(folder))
    return archive.read_bytes()
