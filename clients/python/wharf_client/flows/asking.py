"""One request to the API: repeated while that may help, and its problem raised."""

import json
from collections.abc import Mapping
from typing import Any

from wharf_client.errors import Conflict, Forbidden, NotFound, Refused, Unavailable
from wharf_client.retries import BUSY, Retries, pause_after
from wharf_client.steps import Answer, Call, Flow, Outcome, Pause

REFUSALS = {401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict, 412: Conflict}


def ask(call: Call, retries: Retries) -> Flow[Answer]:
    """Return the answer. Raises Refused, or Unavailable after the last attempt."""
    attempt = 1
    while True:
        outcome: Outcome = yield call
        pause = pause_after(outcome, attempt, retries)
        if pause is None:
            return accepted(outcome)
        yield Pause(pause)
        attempt += 1


def json_of(answer: Answer) -> Any:
    """Return what an answer holds, or None if it is empty. Raises Unavailable if it is not JSON."""
    if not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        raise Unavailable("What answers at this URL does not speak JSON. Is it the right one?") from None


def accepted(outcome: Outcome) -> Answer:
    """Return the answer unless it is an error."""
    if not isinstance(outcome, Answer):
        raise Unavailable(f"The service cannot be reached: {outcome.reason}")
    if outcome.status < 400:
        return outcome
    problem = problem_of(outcome)
    if outcome.status in BUSY:
        raise Unavailable(f"The service answers {outcome.status}: {problem.get('detail', 'try again later')}")
    raise REFUSALS.get(outcome.status, Refused)(outcome.status, problem)


def problem_of(answer: Answer) -> Mapping[str, Any]:
    """Return the problem details; of an answer by somebody else, such as a gateway, its first words."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"detail": answer.body[:200].decode(errors="replace")}
