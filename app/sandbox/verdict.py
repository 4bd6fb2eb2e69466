"""What the end of a child means: a report, or what was wrong with the payload.

Decided from what the fork server saw and what the child said; the child is
not trusted, so whatever is odd about its reply counts as a crash.
"""

import json
import logging
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from app.domain.errors import InvalidPayload, OutOfTime, ProblemCode
from app.processors.report import ArtifactFile, Report
from app.sandbox.output import OutputError, OutputFolder, is_over
from app.sandbox.wire import CRASH_FRAMES, MIB, SCRATCH, Cause, Ending, Job, encode

DETAIL_CHARACTERS = 1000
FRAME = re.compile(r"/[\w./-]{1,200}:\d{1,7} in [\w<>.]{1,100}", re.ASCII)
C_FRAME = re.compile(r'^  File "([^"\n]{1,200})", line (\d{1,7}) in ([\w<>.]{1,100})$', re.MULTILINE)
"""As faulthandler writes it."""
ERROR_NAME = re.compile(r"\w{1,100}")
LOGGED_ERRORS = 10
CRASHED = "Processing this payload failed unexpectedly."
_OF_THE_SERVICE = {ProblemCode.UPLOAD_EXPIRED, ProblemCode.ATTEMPTS_EXHAUSTED}
"""Codes that no processor can find out."""

logger = logging.getLogger("wharf.sandbox")


def judge(ending: Ending, job: Job, output: OutputFolder) -> Report:
    """The report, checked; raises InvalidPayload."""
    verdict = _Verdict(ending, job)
    if ending.cause is not Cause.EXITED or ending.status != 0:
        verdict.of_the_end()
    report = verdict.of_the_reply()
    try:
        output.check(report)
    except OutputError as unfit:
        verdict.crashed(str(unfit))
    if is_over(job.limits.output_bytes, job.task.output, without=SCRATCH):
        verdict.exceeded(f"wrote more than {_mib(job.limits.output_bytes)}")
    return report


@dataclass(frozen=True, slots=True)
class _Verdict:
    ending: Ending
    job: Job

    def of_the_end(self) -> NoReturn:
        """Of a child that did not come to its own end."""
        limits, status = self.job.limits, self.ending.status
        match self.ending.cause:
            case Cause.OUT_OF_TIME:
                raise OutOfTime(self.job.seconds)
            case Cause.OUT_OF_DISK:
                self.exceeded(f"wrote more than {_mib(limits.disk_bytes)}")
            case Cause.TALKED_TOO_MUCH:
                self.exceeded("made a report that is too large")
        if self._used_up_its_cpu_time():
            self.exceeded(f"used more than {limits.cpu_seconds} s of CPU time")
        if status == -signal.SIGXFSZ:
            self._limit("file_bytes")
        self.crashed(f"ended with {status}", frames=_stack(self.ending.reply))

    def of_the_reply(self) -> Report:
        try:
            message = json.loads(self.ending.reply)
        except (ValueError, RecursionError):
            self.crashed("replied what is no JSON")
        match message:
            case {"report": {"summary": dict(summary), "artifacts": list(artifacts)}}:
                return self._report(summary, artifacts)
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
        """The log learns where; the client does not. What a child says may be its payload's words."""
        logger.error(
            "sandbox.processor_crashed",
            extra={
                "processor": self.job.task.processor,
                "how": how,
                "exit_status": self.ending.status,
                "errors": [name for name in errors[:LOGGED_ERRORS] if _is_name(name)],
                "frames": [frame for frame in frames[-CRASH_FRAMES:] if _is_frame(frame)],
            },
        )
        raise InvalidPayload(ProblemCode.PROCESSOR_CRASHED, CRASHED)

    def _report(self, summary: dict[str, Any], entries: list[Any]) -> Report:
        limits = self.job.limits
        if len(self.ending.reply) > limits.report_bytes:
            self.exceeded(f"made a report of more than {limits.report_bytes} bytes")
        if len(entries) > limits.artifacts:
            self.exceeded(f"made more than {limits.artifacts} artifacts")
        try:
            encode(summary)  # NaN, infinity, half a surrogate pair: nobody could store it
            return Report(summary, tuple(_artifact(entry) for entry in entries))
        except (ValueError, RecursionError):
            self.crashed("made an unfit report")

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
                self.exceeded(f"needed more than {_mib(self.job.task.memory_limit)} of memory")
            case "file_bytes":
                self.exceeded(f"wrote a file of more than {_mib(limits.file_bytes)}")
            case "open_files":
                self.exceeded(f"opened more than {limits.open_files} files")
            case "disk":
                self.exceeded("needed more disk space than there is")
        self.crashed("ran into an unknown limit")

    def _used_up_its_cpu_time(self) -> bool:
        """SIGKILL comes a second after a SIGXCPU that was ignored."""
        status = self.ending.status
        used_up = self.ending.cpu_seconds >= self.job.limits.cpu_seconds
        return status == -signal.SIGXCPU or (status == -signal.SIGKILL and used_up)


def _artifact(entry: Any) -> ArtifactFile:
    match entry:
        case [str(name), str(media_type)]:
            return ArtifactFile(name, media_type)
    raise ValueError("no artifact")


def _clean(detail: str) -> str:
    """One printable line of Unicode."""
    return "".join(character if character.isprintable() else " " for character in detail)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and ERROR_NAME.fullmatch(name) is not None


def _is_frame(frame: Any) -> bool:
    return isinstance(frame, str) and FRAME.fullmatch(frame) is not None


def _stack(reply: bytes) -> list[str]:
    """What faulthandler left of a crash in C; nothing of a reply in JSON, which may quote the payload."""
    if reply.lstrip()[:1] in b"{[":
        return []
    found = C_FRAME.findall(reply.decode(errors="replace"))
    return [f"{file}:{line} in {name}" for file, line, name in found]


def _mib(size: int) -> str:
    return f"{size / MIB:.3g} MiB" if size < 1000 * MIB else f"{size / MIB:.0f} MiB"
