"""Build the folder that a function is deployed as: `python3 -m scripts.build.bundle api <folder>`.

    install the lock's wheels -> remove what is never loaded -> add our own modules -> compile

It needs only the standard library and pip, because `sam build` runs it with whatever
Python it finds. The same sources give the same files, including their times.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.build import service_models

ROOT = Path(__file__).parents[2]
#: Version of Python on Lambda, as in template.yaml.
RUNTIME = "3.13"
DEPLOYED_AT = "/var/task"
#: Time of every file: 2000-01-01. A zip file cannot hold times before 1980.
WRITTEN_AT = 946_684_800

PLATFORMS = {
    # Amazon Linux 2023 on Graviton.
    "lambda": [
        *("--implementation", "cp", "--python-version", RUNTIME),
        *("--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64"),
    ],
    "native": [],
}


@dataclass(frozen=True, slots=True)
class Function:
    entry: str
    #: The module that composes its services. Only the adapters that this module asks for run.
    composition: str
    #: Patterns of modules that are loaded by name, without an import statement.
    by_name: tuple[str, ...] = ()
    #: Patterns of files that it reads.
    reads: tuple[str, ...] = ()


FUNCTIONS = {
    "api": Function("app.lambda_api", "app/bootstrap/api.py", reads=("app/console/*",)),
    "worker": Function(
        "app.lambda_worker",
        "app/bootstrap/worker.py",
        by_name=("app/processors/**/*.py", "app/sandbox/*.py"),
    ),
    "relay": Function("app.lambda_relay", "app/bootstrap/relay.py"),
    "sender": Function("app.lambda_sender", "app/bootstrap/sender.py"),
}

#: Parts of the packages that no function loads.
NEVER_LOADED = (
    "bin",
    "cffi",
    "_duckdb-stubs",
    "adbc_driver_duckdb",
    "aws_lambda_powertools/event_handler",
    "charset_normalizer/cli",
    "pypdfium2_cli",
    "**/*.pyi",
    "**/py.typed",
    "**/tests",
    "**/examples-1.json",
)
#: DuckDB reads its own version from its metadata; no other package does.
KEPT_METADATA = "duckdb-*.dist-info/METADATA"


def main() -> None:
    parser = argparse.ArgumentParser("python3 -m scripts.build.bundle", description=__doc__)
    parser.add_argument("function", choices=FUNCTIONS)
    parser.add_argument("folder", type=Path, help="where to build; must be empty or new")
    parser.add_argument(
        "--platform",
        choices=PLATFORMS,
        default="lambda",
        help="lambda (default), or native: for this machine and its Python",
    )
    given = parser.parse_args()
    build(given.function, given.folder, given.platform)
    files = [path for path in given.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{given.function}: {size / 1e6:.1f} MB in {len(files)} files")


def build(name: str, folder: Path, platform: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty.")
    function = FUNCTIONS[name]
    install(ROOT / f"requirements/{name}.txt", folder, PLATFORMS[platform])
    remove(unneeded(folder, services(function)))
    own = sources(function)
    service_models.trim(folder / "botocore" / "data", service_models.words_of(own))
    read = {path for pattern in function.reads for path in ROOT.glob(pattern)}
    for module in own | read:
        target = folder / module.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, target)
    python = sys.executable if platform == "native" else lambda_python()
    if python:
        compile_all(folder, python)
    else:
        print(f"python{RUNTIME} was not found: {name} is built without bytecode.", file=sys.stderr)
    make_equal([folder, *folder.rglob("*")])


def install(lock: Path, folder: Path, target: Sequence[str]) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-compile"]
    locked = ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    command = [sys.executable, "-m", "pip", "install", *options, *locked, *target]
    subprocess.run([*command, "--target", folder, "-r", lock], check=True)


def unneeded(folder: Path, used_services: frozenset[str]) -> Iterator[Path]:
    for pattern in NEVER_LOADED:
        yield from folder.glob(pattern)
    for service in (folder / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in used_services:
            yield service
    kept = set(folder.glob(KEPT_METADATA))
    yield from (path for path in folder.glob("*.dist-info/*") if path not in kept)
    yield from (path for path in folder.glob("*.dist-info") if path not in {one.parent for one in kept})


def remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def lambda_python() -> str | None:
    """Return a Python of Lambda's version, whose bytecode Lambda can load; None if there is none."""
    report = "import sys; print('{}.{}'.format(*sys.version_info))"
    for python in (sys.executable, f"python{RUNTIME}"):
        if found := shutil.which(python):
            said = subprocess.run([found, "-c", report], capture_output=True, text=True, check=False)
            if said.stdout.strip() == RUNTIME:
                return found
    return None


def compile_all(folder: Path, python: str) -> None:
    """Compile all modules.

    Bytecode is loaded without a check of the sources: a deployment changes the
    files' times, and nothing changes their contents.
    """
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", DEPLOYED_AT]
    command = [python, "-m", "compileall", *options, str(folder)]
    subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, check=True)


def make_equal(paths: Iterable[Path]) -> None:
    """Give all files and folders the same modes and times on every machine."""
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in paths:
        os.utime(path, (WRITTEN_AT, WRITTEN_AT))


def sources(function: Function) -> frozenset[Path]:
    """Return our own files that the function loads."""
    waiting = list(_modules(function.entry))
    waiting += [path for pattern in function.by_name for path in ROOT.glob(pattern)]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in imports(path, function) for file in _modules(name)]
    return frozenset(found)


def services(function: Function) -> frozenset[str]:
    """Return the AWS services that the function makes clients for."""
    calls = [node for node in _run(_adapters(), function) if isinstance(node, ast.Call)]
    return frozenset(
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "client"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    )


def imports(path: Path, function: Function) -> Iterator[str]:
    """Yield the names that a module imports, each of which may be a module itself."""
    for node in _run(path, function):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run(path: Path, function: Function) -> Iterator[ast.AST]:
    """Yield the parts of a module that run: nothing for type checkers, no adapter that is not asked for."""
    reached = _reached(function) if path == _adapters() else None
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        elif not (reached is not None and isinstance(node, ast.FunctionDef) and node.name not in reached):
            yield node
            waiting += ast.iter_child_nodes(node)


def _reached(function: Function) -> frozenset[str]:
    """Return the functions of app/bootstrap/adapters.py that the composition asks for, directly or not."""
    bodies = {
        node.name: node
        for node in ast.walk(ast.parse(_adapters().read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    composition = ast.parse((ROOT / function.composition).read_text())
    waiting, found = [*_names(composition)], set[str]()
    while waiting:
        name = waiting.pop()
        if name in bodies and name not in found:
            found.add(name)
            waiting += _names(bodies[name])
    return frozenset(found)


def _names(part: ast.AST) -> Iterator[str]:
    for node in ast.walk(part):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _adapters() -> Path:
    return ROOT / "app" / "bootstrap" / "adapters.py"


def _modules(name: str) -> Iterator[Path]:
    """Yield the files of our module and of the packages it is in; nothing for other modules."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        whole = ROOT.joinpath(*parts[:end])
        if parts[0] == "app":
            yield from (file for file in (whole.with_suffix(".py"), whole / "__init__.py") if file.exists())


if __name__ == "__main__":
    main()
