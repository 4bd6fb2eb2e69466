"""List what the service gave up on, and try it again.

scripts/ops/redrive.sh local                      list the failed objects and the dead letters
scripts/ops/redrive.sh local --all --dry-run      say what --all would do
scripts/ops/redrive.sh local --object ID          try one object again, however often it was redriven before
scripts/ops/redrive.sh local --error Unavailable  try everything that failed with this error again
scripts/ops/redrive.sh local --all                try everything again
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from uuid import uuid4

from app.bootstrap import adapters, compose_redriving
from app.domain.causes import Cause
from app.domain.errors import Refused
from app.domain.times import timestamp
from app.messaging.dead_letters import DeadLetter
from app.services.redriving import (
    MOST_REDRIVES,
    Action,
    Choice,
    FailedObject,
    Redriving,
    Step,
    Survey,
    object_of,
    plan,
)
from scripts.ops import stages

OBJECT_COLUMNS = ("OBJECT", "OWNER", "KIND", "FAILED AT", "ATTEMPTS", "REDRIVES", "ERROR")
LETTER_COLUMNS = ("MESSAGE", "OBJECT", "SENT AT", "ATTEMPTS", "REDRIVES", "ERROR")
TOO_OFTEN = f"left: redriven {MOST_REDRIVES} times already; use --object with its object's id to try again"


def main() -> int:
    """Return 0, or 1 if something that was chosen could not be tried again."""
    given = parse()
    redriving = compose_redriving(adapters(stages.connect(given.stage, given.aws_port)))
    survey = redriving.survey()
    done: list[DeadLetter] = []
    try:
        print("\n".join(report(survey)))
        if not (given.all or given.object or given.error):
            return 0
        steps = plan(survey, Choice(given.object, given.error))
        return carry_out(redriving, steps, done, dry_run=given.dry_run)
    finally:
        redriving.release([letter for letter in survey.all_letters if letter not in done])


def parse() -> argparse.Namespace:
    parser = stages.parser("redrive", "List what the service gave up on, and try it again.")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--all", action="store_true", help="try everything again")
    chosen.add_argument("--object", metavar="ID", help="try one object and its dead letters again")
    chosen.add_argument(
        "--error", metavar="ERROR", help="try everything with this error again, as listed under ERROR"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, but do nothing")
    return parser.parse_args()


def report(survey: Survey) -> Iterator[str]:
    yield f"Failed objects: {len(survey.failed)}"
    if survey.failed:
        yield from table(OBJECT_COLUMNS, map(_object_row, survey.failed))
    yield f"Other dead letters: {len(survey.letters)}"
    if survey.letters:
        yield from table(LETTER_COLUMNS, map(_letter_row, survey.letters))


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
    return {Action.REPROCESS: "is processed again", Action.SEND_BACK: "was sent back"}[step.action], True


def _letters_of(step: Step) -> list[DeadLetter]:
    return [step.target] if isinstance(step.target, DeadLetter) else list(step.target.letters)


def _name(step: Step) -> str:
    match step.target:
        case FailedObject(stored):
            return f"object {stored.id}"
        case DeadLetter(message_id):
            return f"message {message_id}"


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


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [columns, *rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


if __name__ == "__main__":
    stages.run(main)
