"""Hold README.md, CONTRIBUTING.md and the pages in docs/ to the template, the code and the scripts."""

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from app.domain.kinds import KINDS
from app.domain.media_types import UNDECLARED
from app.local.aws.template import TEMPLATE
from app.local.settings import PARAMETERS, THIS_PROCESS_ONLY
from app.observability.metrics import METRICS
from benchmarks import lives
from benchmarks.costs import PRICE_LIST, event_tables, tables
from benchmarks.lives import size, units
from scripts.ops.deployment import missing_principals
from tests.infrastructure.test_template import role_statements

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
DECISIONS = (ROOT / "docs" / "decisions.md").read_text()
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()
EVENTS = (ROOT / "docs/events.md").read_text()
# The folders and the kinds of files at the root that a path in the pages begins with or is.
PLACES = r"(?:app|benchmarks|docs|requirements|scripts|tests|\.ci)/|[\w-]+\.(?:md|toml|yaml)"
MEMORIES = ("ApiMemory", "WorkerMemory", "RelayMemory", "SenderMemory")
WORDS = {
    *("bury", "cause", "claim", "lease", "redrive", "republish", "requeue"),
    *("revision", "set aside", "settle", "sweep", "tombstone"),
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def template() -> Json:
    parsed: Json = yaml_parse(TEMPLATE.read_text())
    return parsed


def of_type(template: Json, resource_type: str) -> dict[str, Json]:
    return {name: one for name, one in template["Resources"].items() if one["Type"] == resource_type}


def section(page: str, title: str) -> str:
    """Return the text from a heading to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$", page, re.MULTILINE)
    assert found, title
    rest = page[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, but for headings."""
    lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    rules = [number for number, row in enumerate(cells) if all(set(cell) <= {"-"} for cell in row)]
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def test_every_alarm_is_explained_and_no_other(template: Json) -> None:
    alarms = set(of_type(template, "AWS::CloudWatch::Alarm"))
    explained = [re.findall(r"`(\w+)`", row[0])[0] for row in rows(section(OPERATIONS, "The alarms"))]

    assert set(explained) == alarms, 'Each alarm has a row in "The alarms" of docs/operations.md.'
    assert len(explained) == len(alarms)
    assert all(all(row) for row in rows(section(OPERATIONS, "The alarms")))


def test_the_alarms_that_roll_back_are_marked(template: Json) -> None:
    functions = of_type(template, "AWS::Serverless::Function").values()
    preferences = [one["Properties"]["DeploymentPreference"] for one in functions]
    rolling_back = {alarm["Ref"] for preference in preferences for alarm in preference["Alarms"]["Fn::If"][1]}
    marked = {row[0] for row in rows(section(OPERATIONS, "The alarms")) if row[0].endswith("*")}

    assert marked == {f"`{alarm}` *" for alarm in rolling_back}


def test_every_panel_of_the_dashboard_is_explained(template: Json) -> None:
    body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    titles = [widget["properties"]["title"] for widget in json.loads(body)["widgets"]]

    assert [row[0] for row in rows(section(OPERATIONS, "The dashboard"))] == titles


def test_every_metric_is_documented_as_it_is_measured() -> None:
    documented = [
        [cell.replace("`", "") for cell in row] for row in rows(section(OPERATIONS, "What is measured"))
    ]

    assert documented == [
        [metric.name, metric.unit.value, ", ".join(metric.dimensions), metric.meaning] for metric in METRICS
    ], 'Each metric has a row in "What is measured" of docs/operations.md, in the order of METRICS.'


def test_every_line_of_the_functions_is_explained_and_no_other() -> None:
    explained = rows(section(OPERATIONS, "What is logged"))
    named = {name for row in explained for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row[0])}
    sources = [path for path in (ROOT / "app").rglob("*.py") if "local" not in path.parts]
    logged = {
        name
        for path in sources
        for name in re.findall(r'(?:logger\.\w+|measure)\(\s*f?"([a-z_]+\.[a-z_]*)', path.read_text())
    }

    # Named after the status, where it is logged.
    assert named == (logged - {"object."}) | {"object.ready", "object.rejected"}, (
        'Each line has a row in "What is logged" of docs/operations.md.'
    )


def test_every_parameter_is_described_with_its_default(template: Json) -> None:
    described = {
        name: row[1]
        for row in rows(section(DEPLOYING, "Parameters"))
        for name in re.findall(r"`(\w+)`", row[0])
    }

    assert set(described) == set(template["Parameters"]), (
        'Each has a row in "Parameters" of docs/deploying.md.'
    )
    for name, default in described.items():
        assert default.strip("`") == str(template["Parameters"][name].get("Default", "")), name


def test_every_statement_of_the_functions_roles_is_named_in_its_row(template: Json) -> None:
    intro, _, table = section(OPERATIONS, "Who may do what").partition("| role |")
    shared = set(re.findall(r"\(`(\w+)`\)", intro))
    named: dict[str, set[str]] = {}
    for role, *_, statements in rows(table):
        named.setdefault(role.strip("`"), set(shared)).update(re.findall(r"`(\w+)`", statements))
    functions = of_type(template, "AWS::Serverless::Function").values()
    roles = {function["Properties"]["Role"]["Fn::GetAtt"][0] for function in functions}

    assert named == {
        role: {statement["Sid"] for statement in role_statements({role: template["Resources"][role]})}
        for role in roles
    }, 'Each Sid has a place in "Who may do what" of docs/operations.md.'


def test_every_resource_that_has_a_reason_is_in_the_template(template: Json) -> None:
    named = [
        name
        for row in rows(section(ARCHITECTURE, "Resources and their reasons"))
        for name in re.findall(r"`(\w+)`", row[0])
    ]

    assert len(named) > 20
    assert sorted(set(named) - set(template["Resources"])) == []


def test_the_sizes_of_the_stages_are_those_of_the_template(template: Json) -> None:
    said = {row[0]: row[1:] for row in rows(section(DEPLOYING, "One command"))}
    sizes = template["Mappings"]["Sizes"]

    for column, stage in enumerate(("dev", "prod")):
        memory = ", ".join(str(sizes[stage][name]) for name in MEMORIES)
        assert said["memory of API, worker, relay, sender in MB"][column] == memory
        assert said["event archive"][column] == f"{sizes[stage]['ArchiveDays']} days"


def test_every_script_that_the_docs_name_exists_and_can_be_run() -> None:
    named = {name for page in PAGES for name in re.findall(r"scripts/\w+/\w+\.\w+", page.read_text())}

    assert named >= {f"scripts/ops/{name}.sh" for name in ("deploy", "smoke", "redrive", "logs", "destroy")}
    for name in named:
        assert (ROOT / name).is_file(), name
        assert not name.endswith(".sh") or (ROOT / name).stat().st_mode & 0o111, name


def test_the_commands_are_those_that_make_help_lists() -> None:
    targets = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = [re.findall(r"`make ([a-z0-9-]+)", row[0])[0] for row in rows(section(README, "Commands"))]

    assert sorted(listed) == sorted(set(targets) - {"help"})


def test_what_make_run_reads_is_listed() -> None:
    options = section(README, "Options of `make run`")

    missing = [name for name in (*PARAMETERS, *THIS_PROCESS_ONLY) if name not in options]
    assert missing == [], 'Each is listed in "Options of `make run`" of README.md.'


def test_what_the_real_run_writes_is_not_committed() -> None:
    written = re.findall(r" > ([\w.]+)", "\n".join(block for block in blocks(README, "bash")))

    assert written
    assert set(written) <= {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}


#: Rooms without docstrings, whose modules the drawing names.
DRAWN = ("scripts/build", "scripts/checks")


def drawing() -> str:
    return section(ARCHITECTURE, "Rooms")


def test_the_drawing_of_the_rooms_names_every_folder() -> None:
    folders = {path.parent for path in (ROOT / "app").rglob("*.*") if "__pycache__" not in path.parts}
    missing = sorted(str(one.relative_to(ROOT)) for one in folders if f"{one.name}/" not in drawing())

    assert len(folders) > 30
    assert missing == [], "Draw them in Rooms of docs/architecture.md."


def test_the_drawing_names_the_modules_of_rooms_without_a_docstring() -> None:
    drawn = set(re.findall(r"\w+", drawing()))
    modules = [path for room in DRAWN for path in (ROOT / room).glob("*.py") if path.stem != "__init__"]
    missing = sorted(str(path.relative_to(ROOT)) for path in modules if path.stem not in drawn)

    assert modules
    assert missing == [], "Draw them in Rooms of docs/architecture.md."


def test_the_docstring_of_a_room_names_its_modules() -> None:
    """A folder within a room may leave that to the room."""
    modules = [path for path in (ROOT / "app").rglob("*.py") if path.stem != "__init__"]
    missing = [
        str(path.relative_to(ROOT))
        for path in modules
        if not path.stem.startswith("__") and not re.search(rf"\b{path.stem}\b", described(path))
    ]

    assert len(modules) > 200
    assert sorted(missing) == [], "Name them in the docstring of the __init__.py of their folder."


def described(module: Path) -> str:
    """Return the docstrings of the folders that a module is in, below `app` unless it is there itself."""
    folders = [one for one in module.parents if one.is_relative_to(ROOT / "app")]
    inner = folders[:-1] or folders
    return "\n".join(ast.get_docstring(ast.parse((one / "__init__.py").read_text())) or "" for one in inner)


def test_the_docs_say_what_decides_for_each_kind_that_can_tell_a_type() -> None:
    page = (ROOT / "docs" / "kinds.md").read_text()
    [table] = re.findall(r"^\| kind \| what decides \|\n(?:\|.*\n)+", page, re.MULTILINE)
    can_tell = {name for name, kind in KINDS.items() if UNDECLARED in kind.open_types}

    assert {row[0].strip("`") for row in rows(table)} == {"file", *can_tell}


def test_every_path_that_contributing_names_exists() -> None:
    named = set(re.findall(rf"`((?:{PLACES})[\w./-]*)`", CONTRIBUTING))

    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize(
    "recipe",
    ["a route", "a kind", "an event subscriber", "a setting", "an alarm", "an error", "a stored field"],
)
def test_each_recipe_lists_the_files_to_touch(recipe: str) -> None:
    files = re.findall(r"^- `([\w./-]+)`: \S", section(CONTRIBUTING, f"Add {recipe}"), re.MULTILINE)

    assert len(files) >= 2
    assert all((ROOT / file).is_file() for file in files)


def test_every_heading_that_the_docs_link_exists() -> None:
    for page in [*PAGES, ROOT / "SECURITY.md"]:
        links = re.findall(r"\]\(([^)#:\s]*)#([^)]+)\)", page.read_text())
        missing = [
            (path, anchor)
            for path, anchor in links
            if anchor not in anchors(page.parent / path if path else page)
        ]
        assert missing == [], page.name

    assert "the-alarms" in anchors(ROOT / "docs" / "operations.md")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_glossary_explains_the_words_that_the_docs_call_our_own() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    words = re.findall(r"^## (.+)$", glossary, re.MULTILINE)

    assert words == sorted(words)
    assert set(words) >= WORDS
    assert all(section(glossary, word).strip() for word in words)


def test_every_output_that_the_docs_read_exists(template: Json) -> None:
    read = {name for page in PAGES for name in re.findall(r"\$\(output (\w+)\)", page.read_text())}

    assert read
    assert read <= set(template["Outputs"])


@pytest.mark.parametrize("page", ["deploying", "operations"])
def test_the_shell_examples_are_sound(page: str, tmp_path: Path) -> None:
    examples = blocks({"deploying": DEPLOYING, "operations": OPERATIONS}[page], "bash")
    script = tmp_path / "examples.sh"
    script.write_text("\n".join(["#!/usr/bin/env bash", *examples]))

    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)

    assert examples
    assert (done.returncode, done.stderr) == (0, "")


class TestKeyPolicy:
    @pytest.fixture
    def policy(self) -> Json:
        first = json.loads(blocks(section(DEPLOYING, "Your own KMS key"), "json")[0])
        assert isinstance(first, dict)
        return first

    def test_the_deployment_finds_nothing_missing_in_it(self, policy: Json) -> None:
        assert list(missing_principals(policy, "REGION")) == []

    def test_each_statement_has_its_source(self, policy: Json) -> None:
        explained = rows(section(DEPLOYING, "Your own KMS key"))
        named = [name for row in explained for name in re.findall(r"`(\w+)`", row[0])]

        assert named == [statement["Sid"] for statement in policy["Statement"]]
        assert all("Guide" in row[2] for row in explained)

    def test_the_roles_reach_the_services_that_they_call(self, policy: Json) -> None:
        statement = policy["Statement"][1]
        services = {name.split(".")[0] for name in statement["Condition"]["StringEquals"]["kms:ViaService"]}

        assert services == {"dynamodb", "s3", "sqs", "lambda", "sns"}

    def test_its_log_groups_are_those_of_the_template(self, template: Json, policy: Json) -> None:
        statement = next(one for one in policy["Statement"] if one["Sid"] == "LogGroupsOfTheStack")
        arns = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        patterns = [arn.partition("log-group:")[2].replace("*", ".*") for arn in arns]
        groups = [
            one["Properties"]["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "STACK")
            for one in of_type(template, "AWS::Logs::LogGroup").values()
        ]

        assert groups
        assert all(any(re.fullmatch(pattern, group) for pattern in patterns) for group in groups)


def test_every_policy_in_the_docs_is_json_with_a_version() -> None:
    policies = [json.loads(block) for block in blocks(DEPLOYING, "json")]

    assert len(policies) == 3
    assert {policy["Version"] for policy in policies} == {"2012-10-17"}


#: The text in which each table stands.
COSTS = {**dict.fromkeys(tables(), section(DEPLOYING, "Costs")), **dict.fromkeys(event_tables(), EVENTS)}
COST_TABLES = [rows(f"{table.text}\n") for table in (tables() | event_tables()).values()]


class TestCosts:
    def test_each_line_is_quantity_times_price(self) -> None:
        lines = [row for table in COST_TABLES for row in table if row[0] != "**sum**"]

        assert len(lines) > 30
        for what, quantity, price, dollars in lines:
            assert abs(number(quantity) * number(price) - float(dollars)) <= 0.0051, what

    def test_each_sum_is_that_of_its_lines(self) -> None:
        sums = 0
        for table in COST_TABLES:
            *lines, (last, _, _, dollars) = table
            if last == "**sum**":
                sums += 1
                assert f"**{sum(float(row[3]) for row in lines):.2f}**" == dollars
        assert sums == 12

    @pytest.mark.parametrize("title", COSTS)
    def test_they_are_computed_from_the_prices_and_the_items(self, title: str) -> None:
        """`python -m benchmarks.costs` prints them."""
        assert f"{title}\n\n{(tables() | event_tables())[title].text}\n" in COSTS[title]

    def test_the_decisions_name_what_the_tables_have(self) -> None:
        totals = [
            table.total
            for title, table in tables().items()
            if title.startswith(("A record", "A data set", "The deletion", "Every month"))
        ]
        compared = re.search(r"^\| a million of.*?\n\n", DECISIONS, re.MULTILINE | re.DOTALL)

        assert compared
        assert [float(row[2]) for row in rows(compared[0])] == totals

    def test_the_decisions_name_the_share_of_an_index_as_it_is_computed(self) -> None:
        record, dataset = (units(life.changes_made) for life in (lives.record(), lives.dataset()))
        deletion = units(lives.record().changes_of_deletion)
        dollars = PRICE_LIST["prices"]["DynamoDB write"]["dollars"]
        shares = [f"{one['by_status'] * dollars + 1e-9:.2f} $" for one in (record, dataset)]
        totals = [f"{table.total:.2f} $" for table in list(tables().values())[:2]]

        assert (
            f"Of the {record.total()} write units that make a record it takes {record['by_status']}, "
            f"of the {dataset.total()} of a data set {dataset['by_status']}, "
            f"and {deletion['by_status']} of a deletion: "
            f"{' and '.join(shares)} of {' and '.join(totals)} per million"
        ) in " ".join(DECISIONS.split())

    def test_items_are_as_large_as_dynamodb_counts_them(self) -> None:
        """Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats"."""
        sizes: dict[str, tuple[Json, int]] = {
            "text": ({"a": {"S": "größe"}}, 1 + 7),
            "number": ({"ab": {"N": "1234"}}, 2 + 3),
            "list": ({"a": {"L": [{"S": "x"}, {"S": "yz"}]}}, 1 + 3 + 2 + 3),
            "map": ({"a": {"M": {"b": {"S": "x"}}}}, 1 + 3 + 1 + 1 + 1),
            "null": ({"a": {"NULL": True}}, 2),
        }

        assert {name: size(item) for name, (item, _) in sizes.items()} == {
            name: counted for name, (_, counted) in sizes.items()
        }

    def test_the_page_names_the_prices_place_and_age(self) -> None:
        assert set(PRICE_LIST) == {"region", "published", "collected", "prices"}
        named = f"prices of {PRICE_LIST['region']} as AWS published them in {PRICE_LIST['published']}"
        assert named in section(DEPLOYING, "Costs")

    def test_the_alarms_are_counted(self, template: Json) -> None:
        """They are counted by metrics, because an alarm that computes is billed for each metric it reads."""
        alarms = [one["Properties"] for one in of_type(template, "AWS::CloudWatch::Alarm").values()]
        read = sum(
            len([one for one in alarm["Metrics"] if "MetricStat" in one]) if "Metrics" in alarm else 1
            for alarm in alarms
        )

        assert f"{read} metrics in {len(alarms)} alarms" in {row[1] for table in COST_TABLES for row in table}


def number(text: str) -> float:
    return float(text.split(" ", maxsplit=1)[0])
