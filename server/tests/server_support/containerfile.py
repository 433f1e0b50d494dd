"""A Containerfile, read instruction by instruction, and built in a folder where no container can be."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction.

    Args:
        name: as `RUN`.
        text: what follows it.
    """

    name: str
    text: str


def instructions(file: Path) -> Sequence[Instruction]:
    """Those of a file, continued lines joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
    return [Instruction(*line.split(maxsplit=1)) for line in lines]


class Built:
    """What the instructions of a file leave behind, with a folder in the place of the root.

    Args:
        root: stands for `/`: absolute paths of the file lie below it.
        context: what is copied from.
        commands: the folder of the programs that the base image would have, first on the PATH.
        environment: of the commands, beside what the file sets.
    """

    def __init__(self, root: Path, context: Path, commands: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.folder = root
        self.environment = {**environment, "PATH": f"{commands}:{os.environ['PATH']}"}
        self.ran: list[str] = []
        self.entry: list[str] = []
        self.healthcheck: list[str] = []
        self._context = context

    def build(self, steps: Sequence[Instruction]) -> None:
        """Do what they say; those that only describe the image do nothing."""
        for step in steps:
            if step.name == "RUN":
                self._run(self._here(step.text))
            elif step.name == "WORKDIR":
                self.folder = self._path(step.text)
                self.folder.mkdir(parents=True, exist_ok=True)
            elif step.name == "COPY":
                *sources, target = shlex.split(step.text)
                self._copy(sources, target)
            elif step.name == "ENV":
                pairs = dict(pair.split("=", 1) for pair in shlex.split(step.text))
                self.environment |= {name: self._here(value) for name, value in pairs.items()}
            elif step.name == "HEALTHCHECK":
                self.healthcheck = json.loads(step.text[step.text.index("[") :])
            elif step.name == "ENTRYPOINT":
                self.entry = json.loads(step.text)
            elif step.name not in ("FROM", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"):
                raise ValueError(f"the instruction {step.name} is not known here")

    def _run(self, command: str) -> None:
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        self.ran.append(command)

    def _copy(self, sources: Sequence[str], target: str) -> None:
        place = self._path(target) if target.startswith("/") else self.folder / target
        for source in sources:
            found = self._context / source
            if found.is_dir():  # its content is copied, as a build does
                ignored = shutil.ignore_patterns("__pycache__", "tests")
                shutil.copytree(found, place, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy(found, place)

    def _here(self, text: str) -> str:
        """A text whose absolute paths below /var and /usr/src are those below the folder that stands for the root."""
        return re.sub(r"(?<![\w/])/(?=var/|usr/src/)", f"{self.root}/", text)

    def _path(self, text: str) -> Path:
        return Path(self._here(text))
