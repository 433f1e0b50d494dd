"""What every test shares: drills that take long run on request only, and no test sees the user's own Rekall."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rekall import config
from rekall.infra import ServiceContainer

KEPT = ("REKALL_TEST_WHEEL",)
"""Variables that tell the tests something."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the drills that take long too")


def pytest_configure() -> None:
    # a shell without a terminal starts its background jobs with Ctrl-C ignored, and whatever they start inherits that
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if "long" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="a long drill: run with --long"))


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which the distributions of `support.plugins` are installed."""
    from support.plugins import PROJECTS, install

    return install(PROJECTS, tmp_path_factory.mktemp("plugins"))


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has a home of its own, works there, and starts with nothing configured, registered or open."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("REKALL_", "XDG_")) and name not in KEPT]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("REKALL_HOME", str(home / "rekall"))
    # a program started from the checkout would import the checkout, not what was installed
    monkeypatch.chdir(home)
    yield
    ServiceContainer.reset_instance()
    config.reset_config()
