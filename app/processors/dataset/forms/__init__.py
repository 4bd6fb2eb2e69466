"""The ways in which the cells of a column may be written, and the value that each gives.

A cell becomes a value only where the text can be written again from that value
and from what the profile says of the column; else the column stays text. The
only differences that count as none are

* zeros after the decimal point, if `decimals` says how many
* the exponent form of a number of at most 17 significant digits
* `+` before a number with a decimal point, and blanks around a number or a date
* the case of true and false, and `T` or a blank in a timestamp
* an offset from UTC, which `offset` names

A form is a pattern that every cell must match, and SQL for the value. Where the
pattern alone proves too little (are there days behind 12 in dd/mm/yyyy?), some
cell must also match the form's `evidence`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from app.processors.dataset.forms.form import BLANKS, EMPTY, TEXT, Form
from app.processors.dataset.forms.moments import forms_of_moments
from app.processors.dataset.forms.numbers import BOOLEAN, OTHER_GROUP_MARKS, number_forms

#: The characters of every form but BOOLEAN.
FIGURES = re.compile(rf"[0-9+\-.,:/eETZ\n{BLANKS}{''.join(OTHER_GROUP_MARKS)}]*")
OUTER_BLANK = re.compile(rf"^[{BLANKS}]|[{BLANKS}]$", re.MULTILINE)
#: Most callers ask for the first form only.
FindForms = Callable[[Sequence[str]], Iterable[Form]]


def possible_forms(cells: Sequence[str], *, decimal_commas: bool) -> Iterator[Form]:
    """Yield the forms that all these cells fit, the best first; TEXT is always the last.

    `decimal_commas` is false where the comma separates the columns.
    """
    if not cells:
        yield EMPTY
        return
    text = "".join(cells)
    marks = [mark for mark in OTHER_GROUP_MARKS if mark in text]
    numbers = number_forms(cells[0], decimal_commas, marks)
    yield from _fitting(cells, [*numbers, BOOLEAN, *forms_of_moments(cells[0])])


def moment_forms(cells: Sequence[str]) -> Iterator[Form]:
    """Yield the forms that strings of JSON fit, which are never numbers."""
    return _fitting(cells, forms_of_moments(cells[0])) if cells else iter([EMPTY])


def json_number_forms(cells: Sequence[str]) -> Iterator[Form]:
    """Yield the forms that numbers of JSON fit, in which a point needs no other proof."""
    if not cells:
        return iter([EMPTY])
    return (replace(form, evidence="") for form in _fitting(cells, number_forms(cells[0], False)))


def _fitting(cells: Sequence[str], forms: Sequence[Form]) -> Iterator[Form]:
    lines = "\n".join([*cells, ""])
    if lines.count("\n") > len(cells):
        forms = []
    elif not FIGURES.fullmatch(lines):
        forms = [form for form in forms if form is BOOLEAN]
    if OUTER_BLANK.search(lines):
        forms = [replace(form, trimmed=True) for form in forms if form is not BOOLEAN]
    yield from (form for form in forms if form.fits(lines))
    yield TEXT


def with_blanks(forms: Iterable[Form]) -> list[Form]:
    """Return the forms, each followed by its twin that leaves out blanks around the cell."""
    twins = (
        [form] if form.trimmed or form in (BOOLEAN, TEXT) else [form, replace(form, trimmed=True)]
        for form in forms
    )
    return [form for some in twins for form in some]


#: To compile a pattern takes longer than to match a small table. The sandbox forks after this module is
#: loaded, so the usual patterns are compiled once for all of its children.
for _cell in ("1", "1.5", "1.25", "2024-01-31 10:00:00"):
    list(possible_forms([_cell], decimal_commas=False))
