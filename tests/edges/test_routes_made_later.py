"""A route that is made when it is first asked for, where a request waits for the start."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.exceptions import FastAPIError
from fastapi.routing import APIRoute

from app.api.http import route
from app.api.http.route import StrictRoute


@pytest.fixture(autouse=True)
def _awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "IS_AWAITED", True)


class Odd:
    """Not a model."""


def answer() -> dict[str, int]:
    return {"a": 1}


def test_threads_that_ask_at_once_all_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    make, times = APIRoute.__init__, []

    def make_slowly(*given: Any, **options: Any) -> None:
        times.append(1)
        time.sleep(0.05)
        make(*given, **options)

    monkeypatch.setattr(APIRoute, "__init__", make_slowly)
    later = StrictRoute("/a", answer, methods=["GET"])

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: later.app, range(8)))

    assert (len(set(found)), len(times)) == (1, 1)


def test_one_that_cannot_be_made_says_why_each_time() -> None:
    later = StrictRoute("/a", answer, methods=["GET"], response_model=Odd)

    for _ in range(2):
        with pytest.raises(FastAPIError, match="Invalid args for response field"):
            _ = later.app


def test_it_has_the_attributes_of_a_route_and_no_others() -> None:
    later, usual = (StrictRoute("/a", answer, methods=["GET"]), APIRoute("/a", answer, methods=["GET"]))

    assert not hasattr(later, "nothing")
    assert set(vars(later)) == {*vars(usual), "refuses_unknown_parameters"}
