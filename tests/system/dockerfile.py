"""Carry out a Dockerfile without Docker, each stage in a folder of its own.

Paths of the image become paths in that folder. The base image is this machine, and
USER changes no user.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STEP_SECONDS = 600
#: The folders of the image that the Dockerfile may name.
FOLDERS = ("/build", "/data", "/opt/wharf", "/srv/wharf")


@dataclass(slots=True)
class Stage:
    root: Path
    workdir: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    healthcheck: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()

    def mapped(self, text: str) -> str:
        """Return the text with the image's paths replaced by those on this machine."""
        return re.sub(rf"(?<!\w)({'|'.join(FOLDERS)})(?!\w)", rf"{self.root}\1", text)

    def run(self, command: Sequence[str]) -> None:
        environment = self.variables()
        subprocess.run(command, cwd=self.workdir, env=environment, timeout=STEP_SECONDS, check=True)

    def variables(self) -> Mapping[str, str]:
        """Return the image's environment, and this machine's settings of pip to reach its package index."""
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, **pip, **self.environment}


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(name, value) for name, _, value in (line.partition(" ") for line in joined)]


def carry_out(dockerfile: Path, folder: Path) -> Stage:
    """Carry out all stages and return the last. Raises if a step fails or is unknown here."""
    stages: dict[str, Stage] = {}
    for name, value in instructions(dockerfile):
        if name == "FROM":
            stage = _new_stage(folder / str(len(stages)))
            stages[value.partition(" AS ")[2]] = stage
        else:
            _step(stage, name, value, dockerfile.parent, stages)
    return stage


def _new_stage(root: Path) -> Stage:
    for path in FOLDERS:
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
    return Stage(root, root)


def _step(stage: Stage, name: str, value: str, context: Path, stages: Mapping[str, Stage]) -> None:
    match name:
        case "WORKDIR":
            stage.workdir = Path(stage.mapped(value))
            stage.workdir.mkdir(parents=True, exist_ok=True)
        case "COPY":
            _copy(stage, shlex.split(value), context, stages)
        case "RUN":
            stage.run(["sh", "-c", stage.mapped(value)])
        case "ENV":
            variable, _, given = value.partition("=")
            stage.environment[variable] = stage.mapped(given)
        case "USER":
            stage.user = value
        case "HEALTHCHECK":
            stage.healthcheck = _listed(stage, value.partition(" CMD ")[2] or value.partition("CMD ")[2])
        case "ENTRYPOINT":
            stage.entrypoint = _listed(stage, value)
        case "EXPOSE" | "VOLUME":
            pass
        case _:
            raise NotImplementedError(f"{name} {value}")


def _copy(stage: Stage, words: Sequence[str], context: Path, stages: Mapping[str, Stage]) -> None:
    options = dict(word.split("=", 1) for word in words if word.startswith("--"))
    source, target = (word for word in words if not word.startswith("--"))
    place = stage.workdir / stage.mapped(target)
    if earlier := options.get("--from"):
        found = Path(stages[earlier].mapped(source))
    else:
        assert f"!{source}" in (context / ".dockerignore").read_text().splitlines(), (
            f"{source} is ignored by .dockerignore"
        )
        found = context / source
    if found.is_dir():
        ignored = shutil.ignore_patterns("__pycache__") if found.is_relative_to(context) else None
        shutil.copytree(found, place, symlinks=True, ignore=ignored)
    else:
        shutil.copy(found, place)


def _listed(stage: Stage, value: str) -> tuple[str, ...]:
    """Return the words of an exec form, which is a JSON list."""
    return tuple(stage.mapped(word) for word in json.loads(value))
