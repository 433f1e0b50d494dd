"""A pytest plugin (`-p support.custom_plugin`) that runs tests, unchanged, on the custom back ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.custom import Counted, use_custom_backends


@pytest.fixture(autouse=True)
def _custom_backends() -> Iterator[None]:
    with use_custom_backends():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"calls of the custom database back end: {Counted.calls}")
