"""The worker's ends of the two pipes to a child: its job goes in, its reply comes out.

Neither passes through the fork server, so nothing of a payload is in the memory that the next
child begins with.
"""

import os
import select
import time
from contextlib import suppress

from app.sandbox.wire import REPLY_BYTES, ChildsEnds

READ_BYTES = 65_536


class Talk:
    """Holds the ends for one child. Close it at the end."""

    def __init__(self, job: bytes) -> None:
        """Put the job into its pipe, whole. Raises ValueError if the pipe does not hold it."""
        job_end, job_entrance = os.pipe()
        self._reply_exit, reply_end = os.pipe()
        self._childs: ChildsEnds | None = ChildsEnds(job_end, reply_end)
        self._reply = bytearray()
        self._is_open = True
        try:
            _put(job, job_entrance)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(job_entrance)
        os.set_blocking(self._reply_exit, False)

    @property
    def childs_ends(self) -> ChildsEnds:
        """The ends to send to the fork server."""
        assert self._childs is not None  # noqa: S101  # asked for before `handed_over`
        return self._childs

    def handed_over(self) -> None:
        """Close the child's ends here, so that its own end closes the pipe."""
        if self._childs is not None:
            self._childs.close()
            self._childs = None

    def listen(self, link: int, *, until: float) -> None:
        """Take the reply in until the fork server has something to say. Raises TimeoutError."""
        poll = select.poll()
        poll.register(link, select.POLLIN)
        poll.register(self._reply_exit, select.POLLIN)
        while True:
            ready = {each for each, _ in poll.poll(max(until - time.monotonic(), 0) * 1000)}
            if not ready:
                raise TimeoutError("the sandbox is late")
            if self._reply_exit in ready and not self._take():
                poll.unregister(self._reply_exit)
                self._hang_up()
            if link in ready:
                return

    def reply(self) -> bytes:
        """Return what the child said, once it has ended; more than REPLY_BYTES if it said too much."""
        with suppress(BlockingIOError):
            while self._is_open and self._take():
                pass
        return bytes(self._reply)

    def close(self) -> None:
        self.handed_over()
        self._hang_up()

    def _take(self) -> bool:
        """Take in what there is; return False if nothing more can come, or nothing more is wanted."""
        part = os.read(self._reply_exit, READ_BYTES)
        self._reply += part
        return bool(part) and len(self._reply) <= REPLY_BYTES

    def _hang_up(self) -> None:
        """Close the exit: a child that goes on talking gets an error."""
        if self._is_open:
            self._is_open = False
            os.close(self._reply_exit)


def _put(job: bytes, entrance: int) -> None:
    os.set_blocking(entrance, False)
    with suppress(BlockingIOError):
        if os.write(entrance, job) == len(job):
            return
    raise ValueError(f"a job of {len(job)} bytes does not fit a pipe")
