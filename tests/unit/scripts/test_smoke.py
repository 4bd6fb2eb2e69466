"""The smoke test waits for a caller that the endpoint does not know yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import repeat
from threading import Thread
from typing import Any

import pytest

from scripts.ops.smoke import Endpoint, Unexpected, wait_until_known


@contextmanager
def endpoint(answers: Iterator[int]) -> Iterator[Endpoint]:
    """An endpoint that answers the statuses, one after another."""

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(answers))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Endpoint(f"http://127.0.0.1:{server.server_port}", lambda *_: {})
        server.shutdown()
        thread.join()


def test_a_key_that_is_not_known_yet_is_tried_again_and_the_reason_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with endpoint(iter([403, 401, 200])) as api:
        wait_until_known(api, pause=0)

    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == [
        "waits   403",
        "waits   401",
        "ok      the caller is known",
    ]
    assert "may take a minute to reach API Gateway" in told[0]


def test_a_caller_who_stays_unknown_fails_the_smoke_test() -> None:
    with endpoint(repeat(401)) as api, pytest.raises(Unexpected, match="401 after 0 s"):
        wait_until_known(api, seconds=0, pause=0)


def test_any_other_answer_is_left_to_the_steps_that_follow(capsys: pytest.CaptureFixture[str]) -> None:
    with endpoint(iter([503])) as api:
        wait_until_known(api, pause=0)

    assert "waits" not in capsys.readouterr().out
