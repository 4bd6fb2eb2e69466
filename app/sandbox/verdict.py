"""Decides what the end of a child means: a report, or what was wrong with the payload.

It is decided from what the fork server saw and what the child said. The child is
not trusted, so whatever is odd about its reply counts as a crash. A payload is not
judged on a full disk, which may be full of somebody else's files.
"""

import logging
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from app.domain.errors import InvalidPayload, OutOfTime, ProblemCode, WorkerFault
from app.processors.report import ArtifactFile, Report
from app.sandbox.bounds import TooMuch, Unfit, check_summary, parse_reply
from app.sandbox.output import MOST_FILES, OutputError, OutputFolder, is_media_type, is_over
from app.sandbox.watch import LEAST_FREE_BYTES, MOST_THREADS
from app.sandbox.wire import (
    ARTIFACTS,
    CRASH_FRAMES,
    MIB,
    OPEN_FILES,
    REPLY_BYTES,
    REPORT_BYTES,
    SCRATCH,
    Cause,
    Ending,
    Job,
)

DETAIL_CHARACTERS = 1000
FRAME = re.compile(r"/[\w./-]{1,200}:\d{1,7} in [\w<>.]{1,100}", re.ASCII)
#: A frame as faulthandler writes it.
C_FRAME = re.compile(r'^  File "([^"\n]{1,200})", line (\d{1,7}) in ([\w<>.]{1,100})$', re.MULTILINE)
ERROR_NAME = re.compile(r"\w{1,100}")
LOGGED_ERRORS = 10
MEMORY_SHARE_OF_ABORT = 0.4
CRASHED = "Processing this payload failed unexpectedly."
#: Codes that no processor can find out.
_OF_THE_SERVICE = {ProblemCode.UPLOAD_EXPIRED, ProblemCode.ATTEMPTS_EXHAUSTED}

logger = logging.getLogger("wharf.sandbox")


def judge(ending: Ending, reply: bytes, job: Job, output: OutputFolder) -> Report:
    """Return the report, checked. Raises InvalidPayload, or WorkerFault where the disk was full."""
    try:
        return _Verdict(ending, reply, job).report(output)
    except InvalidPayload:
        if ending.free_bytes >= LEAST_FREE_BYTES:
            raise
    # Not inside `except`: there, the fault would carry the payload's words into the log.
    raise WorkerFault("The worker's disk is full.")


@dataclass(frozen=True, slots=True)
class _Verdict:
    ending: Ending
    reply: bytes
    job: Job

    def report(self, output: OutputFolder) -> Report:
        if len(self.reply) > REPLY_BYTES:
            self.exceeded("made a report that is too large")
        if self.ending.cause is not Cause.EXITED or self.ending.status != 0:
            self.of_the_end()
        report = self.of_the_reply()
        limits = self.job.limits
        try:
            output.check(report)
        except OutputError as unfit:
            self.crashed(str(unfit))
        if is_over(limits.output_bytes, self.job.task.output, without=SCRATCH):
            self.exceeded(f"wrote more than {_mib(limits.output_bytes)}, or {MOST_FILES} files")
        return report

    def of_the_end(self) -> NoReturn:
        """Judge a child that did not come to its own end."""
        limits, status = self.job.limits, self.ending.status
        match self.ending.cause:
            case Cause.OUT_OF_TIME:
                raise OutOfTime(self.job.seconds)
            case Cause.OUT_OF_MEMORY:
                self._limit("memory")
            case Cause.OUT_OF_DISK:
                self.exceeded(f"wrote more than {_mib(limits.disk_bytes)}, or {MOST_FILES} files")
            case Cause.TOO_MANY_THREADS:
                self.exceeded(f"started more than {MOST_THREADS} threads")
            case Cause.DISK_IS_FULL:
                self._limit("disk")
        if self._used_up_its_cpu_time():
            self.exceeded(f"used more than {limits.cpu_seconds} s of CPU time")
        if status == -signal.SIGXFSZ:
            self._limit("file_bytes")
        if self._aborted_for_memory():
            self._limit("memory")
        self.crashed(f"ended with {status}", frames=_stack(self.reply))

    def of_the_reply(self) -> Report:
        """Judge a reply, and check what it reports."""
        try:
            return self._of_the_message(parse_reply(self.reply))
        except TooMuch as too_much:
            self.exceeded(str(too_much))
        except Unfit as unfit:
            self.crashed(str(unfit))

    def _of_the_message(self, message: Any) -> Report:
        match message:
            case {
                "report": {"summary": dict(summary), "artifacts": list(artifacts), "media_type": media_type}
            }:
                return self._report(summary, artifacts, media_type)
            case {"invalid": {"code": str(code), "detail": str(detail)}}:
                self._invalid(code, detail)
            case {"limit": str(limit)}:
                self._limit(limit)
            case {"crash": {"errors": list(errors), "frames": list(frames)}}:
                self.crashed("raised", errors=errors, frames=frames)
        self.crashed("replied in another shape")

    def exceeded(self, what: str) -> NoReturn:
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, f"Processing this payload {what}.")

    def crashed(self, how: str, *, errors: Sequence[Any] = (), frames: Sequence[Any] = ()) -> NoReturn:
        """Log where it crashed, but do not tell the client. A child's words may be those of its payload."""
        logger.error(
            "sandbox.processor_crashed",
            extra={
                "processor": self.job.task.processor,
                "how": how,
                "exit_status": self.ending.status,
                "errors": _matching(ERROR_NAME, errors[:LOGGED_ERRORS]),
                "frames": _matching(FRAME, frames[-CRASH_FRAMES:]),
            },
        )
        raise InvalidPayload(ProblemCode.PROCESSOR_CRASHED, CRASHED)

    def _report(self, summary: dict[str, Any], entries: list[Any], media_type: Any) -> Report:
        check_summary(summary, most_bytes=REPORT_BYTES)
        if len(entries) > ARTIFACTS:
            self.exceeded(f"made more than {ARTIFACTS} artifacts")
        if not (media_type is None or is_media_type(media_type)):
            self.crashed("named what is not a media type")
        return Report(summary, tuple(_artifact(entry) for entry in entries), media_type)

    def _invalid(self, code: str, detail: str) -> NoReturn:
        try:
            problem = ProblemCode(code)
        except ValueError:
            self.crashed("found an unknown problem")
        if problem in _OF_THE_SERVICE:
            self.crashed(f"claimed the problem {problem.value}")
        raise InvalidPayload(problem, _clean(detail)[:DETAIL_CHARACTERS])

    def _limit(self, limit: str) -> NoReturn:
        limits = self.job.limits
        match limit:
            case "memory":
                self.exceeded(f"needed more than {_mib(limits.memory_bytes)} of memory")
            case "file_bytes":
                self.exceeded(f"wrote a file of more than {_mib(limits.file_bytes)}")
            case "open_files":
                self.exceeded(f"opened more than {OPEN_FILES} files")
            case "disk" if self.ending.free_bytes < limits.disk_bytes:
                raise WorkerFault("The worker's disk had less room than it promises a payload.")
        self.crashed("claimed a limit that it did not meet")

    def _used_up_its_cpu_time(self) -> bool:
        """True if the CPU time was used up. SIGKILL comes a second after a SIGXCPU that was ignored."""
        status = self.ending.status
        used_up = self.ending.cpu_seconds >= self.job.limits.cpu_seconds
        return status == -signal.SIGXCPU or (status == -signal.SIGKILL and used_up)

    def _aborted_for_memory(self) -> bool:
        """True if it ended as libraries in C++ do when they get no memory.

        They ask for double of what a list has, so at most half of the limit may be left.
        """
        needed = self.job.limits.memory_bytes * MEMORY_SHARE_OF_ABORT
        return self.ending.status == -signal.SIGABRT and self.ending.added_bytes >= needed


def _artifact(entry: Any) -> ArtifactFile:
    match entry:
        case [str(name), str(media_type)]:
            return ArtifactFile(name, media_type)
    raise Unfit("named what is not an artifact")


def _clean(detail: str) -> str:
    """Return one printable line of Unicode."""
    return "".join(character if character.isprintable() else " " for character in detail)


def _matching(pattern: re.Pattern[str], told: Sequence[Any]) -> list[str]:
    return [text for text in told if isinstance(text, str) and pattern.fullmatch(text)]


def _stack(reply: bytes) -> list[str]:
    """Return the frames that faulthandler left of a crash in C. JSON has none: it may quote the payload."""
    if reply.lstrip()[:1] in b"{[":
        return []
    found = C_FRAME.findall(reply.decode(errors="replace"))
    return [f"{file}:{line} in {name}" for file, line, name in found]


def _mib(size: int) -> str:
    return f"{size / MIB:.3g} MiB" if size < 1000 * MIB else f"{size / MIB:.0f} MiB"
