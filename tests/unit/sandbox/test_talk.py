"""The worker's ends of the pipes to a child, which may say anything, or nothing."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.sandbox.talk import Talk
from app.sandbox.wire import REPLY_BYTES

JOB = b'{"job": 1}'


@pytest.fixture
def talk() -> Iterator[Talk]:
    with closing(Talk(JOB)) as talk:
        yield talk


@pytest.fixture
def link() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def in_seconds(seconds: float) -> float:
    return time.monotonic() + seconds


def test_a_job_goes_in_whole_and_a_reply_comes_out(
    talk: Talk, link: tuple[socket.socket, socket.socket]
) -> None:
    job, reply = (os.dup(each) for each in talk.childs_ends)
    talk.handed_over()

    assert os.read(job, 100) == JOB
    assert os.read(job, 100) == b""
    os.write(reply, b"done")
    os.close(reply)
    os.close(job)
    link[1].send(b"x")
    talk.listen(link[0].fileno(), until=in_seconds(60))
    assert talk.reply() == b"done"


def test_a_child_that_talks_without_end_gets_an_error_and_is_kept_to_a_bound(
    talk: Talk, link: tuple[socket.socket, socket.socket]
) -> None:
    reply = os.dup(talk.childs_ends.reply)
    talk.handed_over()
    said: list[int] = []

    def talk_without_end() -> None:
        try:
            while sum(said) < 20 * REPLY_BYTES:
                said.append(os.write(reply, bytes(4096)))
        except BrokenPipeError:
            pass
        finally:
            os.close(reply)
            link[1].send(b"x")

    child = threading.Thread(target=talk_without_end)
    child.start()
    talk.listen(link[0].fileno(), until=in_seconds(60))
    child.join()

    assert REPLY_BYTES < len(talk.reply()) < 2 * REPLY_BYTES
    assert sum(said) < 2 * REPLY_BYTES


def test_a_fork_server_that_says_nothing_is_late(
    talk: Talk, link: tuple[socket.socket, socket.socket]
) -> None:
    with pytest.raises(TimeoutError):
        talk.listen(link[0].fileno(), until=in_seconds(0))


def test_a_job_that_does_not_fit_is_refused_and_leaves_no_file_open() -> None:
    before = list(Path("/dev/fd").iterdir())

    with pytest.raises(ValueError, match="does not fit"):
        Talk(bytes(10**6))

    assert list(Path("/dev/fd").iterdir()) == before
