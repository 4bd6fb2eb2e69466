"""The counts of functions and references, on trees made for the tests."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from scripts.checks.crossing import Crossing, Step
from scripts.checks.structure import Tree, matches, percentile, report

Make = Callable[[Mapping[str, str]], Tree]


@pytest.fixture
def tree_of(tmp_path: Path) -> Make:
    def make(files: Mapping[str, str]) -> Tree:
        for path, text in files.items():
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(dedent(text))
        return Tree.read(tmp_path)

    return make


def once(tree: Tree) -> list[str]:
    return [function.name for function in tree.referenced_once()]


def test_a_function_is_as_long_as_from_its_def_to_its_last_line(tree_of: Make) -> None:
    tree = tree_of(
        {
            "a.py": '''\
            @decorated
            def outer():
                """Say what it does."""

                async def inner():
                    pass
                return (
                    inner
                )
            '''
        }
    )

    assert [(one.name, one.lines, one.body_lines) for one in tree.functions] == [
        ("outer", 8, 5),
        ("inner", 2, 1),
    ]


def test_a_function_without_a_body_has_no_lines_in_it(tree_of: Make) -> None:
    tree = tree_of({"a.py": 'def promised():\n    """Return nothing yet."""\n'})

    assert [(one.lines, one.body_lines) for one in tree.functions] == [(2, 0)]


def test_names_and_attributes_of_any_module_are_references_and_imports_are_none(tree_of: Make) -> None:
    tree = tree_of(
        {
            "a.py": """\
            def by_name(): ...
            def by_attribute(): ...
            def only_imported(): ...
            def twice(): ...
            """,
            "b/c.py": """\
            import a
            from a import by_name, only_imported, twice
            by_name()
            a.by_attribute
            twice(twice)
            only_assigned = 1
            """,
        }
    )

    assert once(tree) == ["by_name", "by_attribute"]


def test_what_a_framework_or_the_language_calls_is_not_referenced_once(tree_of: Make) -> None:
    tree = tree_of(
        {
            "a.py": """\
            class Thing:
                def __enter__(self): ...
                @property
                def size(self): ...
                def grow(self): ...

            Thing.__enter__, Thing.size, Thing.grow
            """
        }
    )

    assert (once(tree), len(tree.functions)) == (["grow"], 3)


def test_what_is_left_out_still_refers_to_the_rest(tree_of: Make) -> None:
    tree = tree_of(
        {
            "kept.py": "def shared(): ...\ndef kept(): ...\nshared(), kept()\n",
            "out/of.py": "from kept import shared\ndef gone(): ...\nshared(), gone()\n",
        }
    )

    rest = tree.without(["out"])

    assert (once(rest), [*rest.module_lines]) == (["kept"], ["kept.py"])


@pytest.mark.parametrize(
    ("path", "is_out"),
    [
        ("processors/table.py", True),
        ("processors/table_csv.py", True),
        ("processors/table/csv.py", True),
        ("processors/file.py", False),
        ("table.py", False),
    ],
)
def test_a_pattern_fits_files_and_whole_folders(path: str, is_out: bool) -> None:
    assert matches(path, ["processors/table*"]) is is_out


def test_init_files_are_not_counted_in_their_folder(tree_of: Make) -> None:
    tree = tree_of({"__init__.py": "", "a.py": "", "room/__init__.py": "", "room/b.py": "", "room/c.py": ""})

    assert tree.files_per_folder() == {".": 1, "room": 2}


def test_the_report_names_what_is_too_much(tree_of: Make) -> None:
    long = "def long():\n" + "    pass\n" * 40
    tree = tree_of({"long.py": long, "large.py": "\n" * 301, **{f"many/{name}.py": "" for name in range(13)}})

    lines = [*report(tree, [], every=False)]

    assert {"   13  app/many  too many", "   41  long.py:1 long", "  301  large.py"} <= {*lines}


@pytest.mark.parametrize(("share", "value"), [(0.5, 5), (0.9, 9), (1, 10)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(range(1, 11), share) == value


def test_a_move_is_a_step_in_another_file_than_the_step_before() -> None:
    steps = [Step("a.py", "f", "call"), Step("b.py", "g", "call"), Step("b.py", "g", "return")]

    crossing = Crossing(steps=[*steps, Step("a.py", "f", "return")])

    assert [str(step) for step in crossing.moves()] == ["b.py:g", "a.py:f (back)"]
