"""Transcripts as Claude Code writes them, for tests."""

from __future__ import annotations

import json
from pathlib import Path


def claude_transcript(path: Path, *texts: str) -> Path:
    """A conversation in which the user and the assistant say these texts in turn."""
    lines = []
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        stamp = f"2025-03-01T09:{number % 60:02}:00Z"
        lines.append({"type": role, "message": {"role": role, "content": text}, "timestamp": stamp})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
