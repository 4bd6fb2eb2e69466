"""Reports how the rooms of app/ are built: `python -m scripts.checks.structure`.

Three parts, each about one way in which code becomes hard to read:

files per folder   Python files directly in a folder; `__init__.py` is not counted
functions          how long they are, and how many are referenced exactly once
crossings          what one job enters on its way (crossing.py, which defines the terms)

A function is every `def`, nested ones and methods too. Its length runs from the
`def` line to its last line: the docstring counts, decorators do not. Its body
runs from the first to the last statement, without the docstring.

A function is referenced exactly once when its name occurs once in the whole of
app/, as a name that is read or as an attribute. Definitions and imports are not
occurrences. Names are compared as they are written, so two functions of one name
share their references. Decorated functions and dunder methods never count as
referenced once, because a framework or the language calls them; they stay in the
number that the share is a share of. Private short ones begin with an underscore
and have a body of at most four lines.

A test (tests/infrastructure/test_rooms.py) holds the limits below. For the Python client only
the length of its modules counts.

`--without` leaves files out of the second set of figures. What the files left out
refer to still counts as a reference.
"""

import argparse
import ast
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from scripts.checks import crossing

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python" / "wharf_client"
#: The types of the answers, which a script writes in one piece.
GENERATED = "generated.py"
FILES_AT_MOST = 12
#: The folders of app/ that may hold more files, and why.
LARGE_FOLDERS = {
    "api/routes": "a file for each noun of the API",
    "sandbox": "one side or one rule of its boundary in each file, so that each is reviewed alone",
}
FUNCTION_LINES_AT_MOST = 40
NINETIETH_PERCENTILE_AT_MOST = 18
MODULE_LINES_AT_MOST = 300
SHORT_BODY_LINES = 4
REFERENCED_ONCE_AT_MOST = 0.35
SHORT_REFERENCED_ONCE_AT_MOST = 30
#: Rooms in which short private functions are not counted: many name a rule of a file format or of a lock.
ROOMS_OF_RULES = ("processors/dataset", "processors/image", "sandbox")

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Function:
    path: str
    line: int
    name: str
    lines: int
    body_lines: int
    #: True if it is decorated or a dunder method, whose callers the tree does not show.
    is_called_from_outside: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.name}"

    @property
    def is_private_and_short(self) -> bool:
        return self.name.startswith("_") and self.body_lines <= SHORT_BODY_LINES


@dataclass(frozen=True, slots=True)
class Tree:
    """The Python files below a folder, by their paths in it."""

    module_lines: Mapping[str, int]
    functions: tuple[Function, ...]
    references: Counter[str]

    @classmethod
    def read(cls, folder: Path) -> "Tree":
        texts = {path.relative_to(folder).as_posix(): path.read_text() for path in modules_in(folder)}
        parsed = {path: ast.parse(text) for path, text in texts.items()}
        return cls(
            {path: len(text.splitlines()) for path, text in texts.items()},
            tuple(function for path, module in parsed.items() for function in functions_in(path, module)),
            Counter(name for module in parsed.values() for name in names_in(module)),
        )

    def without(self, patterns: Sequence[str]) -> "Tree":
        """Return the tree less the files that match; all references stay."""
        return replace(
            self,
            module_lines={
                path: lines for path, lines in self.module_lines.items() if not matches(path, patterns)
            },
            functions=tuple(one for one in self.functions if not matches(one.path, patterns)),
        )

    def files_per_folder(self) -> Counter[str]:
        paths = [PurePosixPath(path) for path in self.module_lines]
        return Counter(str(path.parent) for path in paths if path.name != "__init__.py")

    def referenced_once(self) -> list[Function]:
        return [
            function
            for function in self.functions
            if not function.is_called_from_outside and self.references[function.name] == 1
        ]


def modules_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def functions_in(path: str, module: ast.Module) -> Iterator[Function]:
    found = [node for node in ast.walk(module) if isinstance(node, AnyFunction)]
    for node in sorted(found, key=lambda node: node.lineno):
        is_dunder = node.name.startswith("__") and node.name.endswith("__")
        yield Function(
            path,
            node.lineno,
            node.name,
            lines=_lines(node, node),
            body_lines=_body_lines(node),
            is_called_from_outside=is_dunder or bool(node.decorator_list),
        )


def _body_lines(function: AnyFunction) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return _lines(body[0], body[-1]) if body else 0


def _lines(first: ast.stmt, last: ast.stmt) -> int:
    return (last.end_lineno or last.lineno) - first.lineno + 1


def names_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def matches(path: str, patterns: Sequence[str]) -> bool:
    """True if a pattern fits the path or a folder that it is in; `*` fits slashes too."""
    places = [path, *map(str, PurePosixPath(path).parents)]
    return any(fnmatchcase(place, pattern) for place in places for pattern in patterns)


def percentile(values: Iterable[int], share: float) -> int:
    """Return the smallest value that at least this share of the values do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0


def report_folders(tree: Tree) -> Iterator[str]:
    yield f"Files per folder ({FILES_AT_MOST} at most)"
    for folder, files in sorted(tree.files_per_folder().items()):
        mark = f"  {LARGE_FOLDERS.get(folder, 'too many')}" if files > FILES_AT_MOST else ""
        yield f"  {files:>3}  {PurePosixPath('app', folder)}{mark}"


def report_lengths(tree: Tree) -> Iterator[str]:
    lengths = [function.lines for function in tree.functions]
    yield f"Lengths of {len(lengths)} functions, in lines"
    median, ninetieth, longest = (percentile(lengths, share) for share in (0.5, 0.9, 1))
    yield f"  median {median}, 90th percentile {ninetieth}, longest {longest}"
    yield f"Functions above {FUNCTION_LINES_AT_MOST} lines"
    long = [function for function in tree.functions if function.lines > FUNCTION_LINES_AT_MOST]
    yield from _listed(f"{function.lines:>3}  {function}" for function in long)
    yield f"Modules above {MODULE_LINES_AT_MOST} lines"
    yield from _listed(large_modules(tree))


def large_modules(tree: Tree) -> list[str]:
    return [
        f"{lines:>3}  {path}" for path, lines in tree.module_lines.items() if lines > MODULE_LINES_AT_MOST
    ]


def report_references(tree: Tree, title: str) -> Iterator[str]:
    once, every = tree.referenced_once(), len(tree.functions)
    short = sum(function.is_private_and_short for function in once)
    yield f"Functions referenced once, {title}"
    yield f"  {len(once)} of {every}, {len(once) / max(every, 1):.1%}"
    yield f"  {short} of them private and at most {SHORT_BODY_LINES} lines"


def report_once(tree: Tree, *, every: bool) -> Iterator[str]:
    once = [function for function in tree.referenced_once() if every or function.is_private_and_short]
    yield "Functions referenced once" if every else "Private short functions referenced once"
    yield from _listed(map(str, once))


def _listed(lines: Iterable[str]) -> Iterator[str]:
    yield from [f"  {line}" for line in lines] or ["  none"]


def report(tree: Tree, without: Sequence[str], *, every: bool) -> Iterator[str]:
    yield from report_folders(tree)
    yield ""
    yield from report_lengths(tree)
    yield ""
    yield from report_references(tree, "everywhere")
    if without:
        yield from report_references(tree.without(without), f"without {', '.join(without)}")
    yield from report_once(tree, every=every)


def excesses(tree: Tree) -> Iterator[str]:
    """Yield what passes a limit in the whole of app/, and each exception that nothing needs."""
    large = {folder for folder, files in tree.files_per_folder().items() if files > FILES_AT_MOST}
    yield from (f"more than {FILES_AT_MOST} files: {folder}" for folder in large - LARGE_FOLDERS.keys())
    yield from (f"not a large folder: {folder}" for folder in LARGE_FOLDERS.keys() - large)
    yield from (f"a long module: {one}" for one in large_modules(tree))
    lengths = [function.lines for function in tree.functions]
    if max(lengths) > FUNCTION_LINES_AT_MOST:
        yield f"a function of {max(lengths)} lines"
    if (ninetieth := percentile(lengths, 0.9)) > NINETIETH_PERCENTILE_AT_MOST:
        yield f"90th percentile of {ninetieth} lines"
    once = tree.referenced_once()
    if len(once) > REFERENCED_ONCE_AT_MOST * len(tree.functions):
        yield f"{len(once)} of {len(tree.functions)} functions referenced once"
    short = [
        function
        for function in once
        if function.is_private_and_short and not matches(function.path, ROOMS_OF_RULES)
    ]
    if len(short) > SHORT_REFERENCED_ONCE_AT_MOST:
        yield f"{len(short)} short private functions referenced once: {', '.join(map(str, short))}"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m scripts.checks.structure", description="Show how app/ is built."
    )
    parser.add_argument(
        "--without",
        metavar="GLOB",
        action="append",
        default=[],
        help="files or folders of app/ to leave out of the second figures; may be repeated",
    )
    parser.add_argument("--list", action="store_true", help="list every function referenced once")
    parser.add_argument("--trace", action="store_true", help="show each move between files")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parse(arguments)
    for line in report(Tree.read(ROOT / "app"), given.without, every=given.list):
        print(line)
    print(f"\nModules of the Python client above {MODULE_LINES_AT_MOST} lines")
    for line in _listed(large_modules(Tree.read(CLIENT).without([GENERATED]))):
        print(line)
    print()
    for line in crossing.report(crossing.crossings(), moves=given.trace):
        print(line)


if __name__ == "__main__":
    main()
