"""List what the service gave up on, and try it again, or drop it.

scripts/ops/redrive.sh local                      list what failed, and what was set aside
scripts/ops/redrive.sh local --all --dry-run      say what --all would do
scripts/ops/redrive.sh local --object ID          try one object again, however often it was redriven before
scripts/ops/redrive.sh local --error Unavailable  try everything that failed with this error again
scripts/ops/redrive.sh local --all                try everything again
scripts/ops/redrive.sh local --message ID --drop  delete a dead letter for good; --object, --error and --all
                                                  choose too
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from uuid import uuid4

from app.bootstrap.adapters import adapters
from app.bootstrap.operations import compose_redriving
from app.domain.causes import Cause
from app.domain.errors import Refused
from app.domain.times import timestamp
from app.messaging.dead_letters import DeadLetter
from app.observability.logs import as_text
from app.services.operations.redriving import (
    MOST_REDRIVES,
    Action,
    Choice,
    FailedObject,
    Redriving,
    Step,
    Survey,
    object_of,
    plan,
    plan_to_drop,
)
from app.services.operations.replaying import AsideChanges
from scripts.ops import stages

OBJECT_COLUMNS = ("OBJECT", "OWNER", "KIND", "FAILED AT", "ATTEMPTS", "REDRIVES", "ERROR")
LETTER_COLUMNS = ("MESSAGE", "OBJECT", "SENT AT", "ATTEMPTS", "REDRIVES", "ERROR")
RECORD_COLUMNS = ("OBJECT", "OWNER", "RECORD", "FILE")
OUTCOMES = {
    Action.REPROCESS: "is processed again",
    Action.SEND_BACK: "was sent back",
    Action.REPLAY: "published",
    Action.DROP: "was dropped",
}
DROP = "drop"
TOO_OFTEN = f"left: redriven {MOST_REDRIVES} times already; use --object with its object's id to try again"


def main() -> int:
    """Return 0, or 1 if something that was chosen is not there or could not be tried again."""
    given = parse()
    redriving = compose_redriving(adapters(stages.connect(given)))
    survey = redriving.survey()
    done: list[DeadLetter] = []
    try:
        print("\n".join(report(survey)))
        if not (given.all or given.object or given.message or given.error):
            return 0
        choice = Choice(given.object, given.message, given.error)
        steps = plan_to_drop(survey, choice) if given.drop else plan(survey, choice)
        if not (steps or given.all):
            print(f"There is nothing of {name_of(given)}{' to drop' if given.drop else ''}.")
            return 1
        if given.drop and not (given.dry_run or given.yes or is_confirmed(len(steps))):
            print("Nothing was dropped. Where nobody can be asked, give --yes.")
            return 1
        return carry_out(redriving, steps, done, dry_run=given.dry_run)
    finally:
        redriving.release([letter for letter in survey.all_letters if letter not in done])


def parse() -> argparse.Namespace:
    parser = stages.parser("redrive", "List what the service gave up on, and try it again, or drop it.")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--all", action="store_true", help="try everything again")
    chosen.add_argument("--object", metavar="ID", help="try one object and its dead letters again")
    chosen.add_argument("--message", metavar="ID", help="try one dead letter again")
    chosen.add_argument(
        "--error", metavar="ERROR", help="try everything with this error again, as listed under ERROR"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, but do nothing")
    parser.add_argument("--drop", action="store_true", help="delete the dead letters for good instead")
    parser.add_argument("--yes", action="store_true", help="with --drop: do not ask")
    given = parser.parse_args()
    if given.drop and not (given.all or given.object or given.message or given.error):
        parser.error("--drop needs --message, --object, --error or --all")
    return given


def name_of(given: argparse.Namespace) -> str:
    """Return what was chosen by name, such as `object 6f1c…`."""
    kinds = ("object", "message", "error")
    return next(f"{kind} {name}" for kind in kinds if (name := getattr(given, kind)))


def is_confirmed(letters: int) -> bool:
    """True if a person types that dead letters are to be dropped, or there are none."""
    return letters == 0 or stages.answer(f"Type {DROP} to delete {letters} dead letters for good: ") == DROP


def report(survey: Survey) -> Iterator[str]:
    yield f"Failed objects: {len(survey.failed)}"
    if survey.failed:
        yield from table(OBJECT_COLUMNS, map(_object_row, survey.failed))
    yield f"Other dead letters: {len(survey.letters)}"
    if survey.letters:
        yield from table(LETTER_COLUMNS, map(_letter_row, survey.letters))
    rows = [row for changes in survey.records.changes for row in _record_rows(changes)]
    yield f"Stream records set aside: {len(rows)}"
    if rows:
        yield from table(RECORD_COLUMNS, rows)
    if survey.records.strange:
        yield f"Files without a record: {', '.join(survey.records.strange)}"


def carry_out(redriving: Redriving, steps: Sequence[Step], done: list[DeadLetter], *, dry_run: bool) -> int:
    """Carry out the steps and return the exit status; add the dead letters that are gone to `done`."""
    cause = Cause(f"redrive-{uuid4()}")
    has_left_some = False
    for step in steps:
        if step.action is Action.LEAVE:
            outcome, is_done = TOO_OFTEN, False
        elif dry_run:
            outcome, is_done = f"would {step.action}", True
        else:
            outcome, is_done = _try(redriving, step, cause)
            done += _letters_of(step) if is_done else []
        has_left_some |= not is_done
        print(f"{_name(step)}: {outcome}")
    print(f"{len(steps)} chosen{', none touched' if dry_run else ''}.")
    return int(has_left_some)


def _try(redriving: Redriving, step: Step, cause: Cause) -> tuple[str, bool]:
    try:
        redriving.carry_out(step, cause=cause)
    except Refused as refused:
        return f"left: {refused}", False
    outcome = OUTCOMES[step.action]
    if isinstance(step.target, DeadLetter) and step.action is Action.DROP:
        # A person who regrets it can send the message again.
        outcome += f": {as_text(step.target.body, spaces=True)}"
    return outcome, True


def _letters_of(step: Step) -> list[DeadLetter]:
    match step.target:
        case DeadLetter() as letter:
            return [letter]
        case FailedObject(_, letters):
            return list(letters)
        case AsideChanges():
            return []


def _name(step: Step) -> str:
    match step.target:
        case FailedObject(stored):
            return f"object {stored.id}"
        case DeadLetter(message_id):
            return f"message {message_id}"
        case AsideChanges(object_id=object_id, records=records):
            return f"records of object {object_id or '-'} ({len(records)})"


def _object_row(failed: FailedObject) -> tuple[str, ...]:
    stored = failed.stored
    return (
        stored.id,
        stored.owner,
        stored.kind,
        timestamp(stored.updated_at),
        str(stored.attempts),
        str(stored.redrives),
        ", ".join(sorted(failed.errors)),
    )


def _letter_row(letter: DeadLetter) -> tuple[str, ...]:
    return (
        letter.message_id,
        object_of(letter) or "-",
        timestamp(letter.sent_at),
        str(letter.attempts),
        str(letter.redrives),
        letter.error,
    )


def _record_rows(changes: AsideChanges) -> Iterator[tuple[str, ...]]:
    for one in changes.records:
        yield changes.object_id or "-", changes.owner or "-", one.number, one.file.key


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [columns, *rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


if __name__ == "__main__":
    stages.run(main)
