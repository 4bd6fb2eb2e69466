"""A form: one way to write a value, and the proof that the value gives the text back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from app.processors.dataset.engine import literal

BLANKS = " "
#: Matches no cell: the form can be suspected, but never proved.
NOTHING = r"[^\s\S]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to write a value.

    `value` and `proof` are SQL with places to fill: {t} for the cell's text, {n} for the
    text as DuckDB's casts expect it, and {v} for the value.
    """

    #: The type as the profile names it: integer, number, boolean, date, timestamp, time or text.
    type: str
    #: A regular expression that Python and RE2 read alike; the whole cell must match.
    pattern: str
    value: str
    #: SQL that is true for a cell whose text the value gives back. Cells that are null need no proof.
    proof: str = ""
    normalised: str = "{t}"
    #: A regular expression that some cell must match; empty if `pattern` is proof enough.
    evidence: str = ""
    #: The doubt that the profile tells of a column in which every cell fits but none is evidence, if some
    #: cell matches `suspicion`.
    doubt: str = ""
    suspicion: str = ""
    #: True if the form is taken without evidence too, and the doubt is told.
    is_assumed: bool = False
    #: True if blanks around the cell are left out.
    trimmed: bool = False
    #: Entries of the column in the profile.
    told: dict[str, Any] = field(default_factory=dict)

    def fits(self, lines: str) -> bool:
        """True if every cell is written in this form. Each cell ends in a line feed, and holds no other."""
        blanks = f"[{BLANKS}]*" if self.trimmed else ""
        # One match of all cells takes a third of the time of one for each. The group keeps what it matched.
        return bool(_compiled(rf"(?>{blanks}(?:{self.pattern}){blanks}\n)*").fullmatch(lines))

    def is_proved_by(self, cells: Sequence[str]) -> bool:
        """True if these cells hold the evidence that the form needs."""
        if not self.evidence:
            return True
        match = _compiled(self.evidence).fullmatch
        return any(match(cell.strip(BLANKS) if self.trimmed else cell) for cell in cells)

    def value_sql(self, text: str) -> str:
        """Return SQL for the value of the cell whose text is the SQL `text`."""
        return self.value.format(t=self._text(text), n=self._normalised(text))

    def proof_sql(self, text: str, value: str) -> str:
        """Return SQL that is true if the cell is null or its value gives back its text."""
        proof = self.proof.format(t=self._text(text), n=self._normalised(text), v=value)
        # To ask of each cell if it is null would take longer: nearly all have a proof.
        return f"CASE WHEN {proof} THEN true ELSE {text} IS NULL END" if proof else "true"

    def evidence_sql(self, text: str) -> str:
        """Return SQL that is true if the cell is evidence for the form."""
        return f"regexp_full_match({self._text(text)}, {literal(self.evidence)})" if self.evidence else "true"

    def suspicion_sql(self, text: str) -> str:
        """Return SQL that is true if the cell makes the column doubtful."""
        return f"regexp_full_match({self._text(text)}, {literal(self.suspicion)})" if self.doubt else "false"

    def _text(self, text: str) -> str:
        return f"trim({text}, {literal(BLANKS)})" if self.trimmed else text

    def _normalised(self, text: str) -> str:
        return self.normalised.format(t=self._text(text))


#: Every cell is kept as it is written.
TEXT = Form(type="text", pattern=r"[\s\S]*", value="{t}")
#: The form of a column in which no cell seen yet holds anything.
EMPTY = Form(type="text", pattern=NOTHING, value="{t}", proof="{t} IS NULL")


def sql_of(pattern: str) -> str:
    """Return a SQL string whose braces survive `str.format`."""
    return literal(pattern).replace("{", "{{").replace("}", "}}")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
