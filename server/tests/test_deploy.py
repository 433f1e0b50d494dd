"""The examples under `server/deploy` do what they say: built, verified, started and asked, as an operator would."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from server_support.containerfile import Built, instructions
from server_support.linked import linked_environment
from server_support.server import environment, started

from rekall_server.settings import Settings, load

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SERVER = Path(__file__).parents[1]
ROOT = SERVER.parent
DEPLOY = SERVER / "deploy"
DEFAULTS = Settings()


def _uncommented() -> Mapping[str, Any]:
    """What the example of rekall-server.toml sets once every `#` before a key is taken away."""
    text = (DEPLOY / "rekall-server.toml").read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE))


def test_the_example_file_sets_nothing_and_shows_every_setting() -> None:
    """As it is, every default holds; each setting is there once, in the order of the settings."""
    text = (DEPLOY / "rekall-server.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    assert list(_uncommented()) == list(Settings.model_fields)


def test_the_values_of_the_example_file_are_accepted(tmp_path: Path) -> None:
    """And are the defaults, where a setting has one that is the same on every machine."""
    file = tmp_path / "rekall-server.toml"
    file.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in _uncommented().items()), encoding="utf-8")
    loaded = load({}, file)
    examples = {"database", "database_backend", "cache_backend", "pool_size", "redis_url", "token_file"}
    examples |= {"allowed_hosts", "allowed_origins"}
    for name in Settings.model_fields.keys() - examples:
        assert getattr(loaded.settings, name) == getattr(DEFAULTS, name), name
    assert {name for name in examples if getattr(DEFAULTS, name) in (None, [])} == examples - {"token_file"}


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


# the container


def test_the_containerfile_builds_and_serves(tmp_path: Path) -> None:
    """Each RUN line is executed, the entry point serves with a token, and the health check tells."""
    steps = instructions(DEPLOY / "Containerfile")
    python = linked_environment(tmp_path / "venv", "-rekall-server", "-rekall", "pip", "hatchling")
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    built = Built(tmp_path / "root", ROOT, python.parent, {**environment(tmp_path), **offline})
    built.root.mkdir()
    if os.geteuid() != 0:  # only root gives folders away
        own = (f"--owner {os.geteuid()}", f"--group {os.getegid()}")
        steps = [step._replace(text=re.sub(r"--owner \d+ --group \d+", " ".join(own), step.text)) for step in steps]
    built.build(steps)
    assert built.ran[-1] == "pip install --no-cache-dir . ./server"
    assert len(built.ran) == sum(step.name == "RUN" for step in steps)

    home = built.root / "var/lib/rekall-server"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    variables = {**built.environment, "REKALL_SERVER_PORT": "0"}
    entry = [str(python.parent / built.entry[0]), *built.entry[1:]]
    without = subprocess.run(
        [*entry, "--port", "0"], cwd=home, env=variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert (without.returncode, "token" in without.stderr) == (1, True), without.stdout + without.stderr
    made = subprocess.run([*entry, "token", "new", "ann"], cwd=home, env=variables, capture_output=True, check=True)
    with started(entry, home, variables) as server:
        check = [part.replace(":8765/", f":{server.port}/") for part in built.healthcheck]
        healthy = subprocess.run(check, env=built.environment, cwd=home, capture_output=True, check=False)
        assert healthy.returncode == 0, healthy.stderr
        found = server.call("rekall_search", {"query": "anything"}, token=made.stdout.decode().strip())
        assert not found.is_error
        assert server.stop() == 0
    assert subprocess.run(check, env=built.environment, cwd=home, capture_output=True, check=False).returncode == 1
    assert (home / "knowledge.db").exists()


def test_the_container_is_described_as_the_server_is() -> None:
    """The port, a user without rights who owns the volume, and what a build may see."""
    steps = instructions(DEPLOY / "Containerfile")
    (user,) = (step.text for step in steps if step.name == "USER")
    assert f"--owner {user.partition(':')[0]} --group {user.partition(':')[2]}" in str(steps)
    assert int(user.partition(":")[0]) >= 1000
    assert [step.text for step in steps if step.name == "EXPOSE"] == [str(DEFAULTS.port)]
    assert f":{DEFAULTS.port}/health" in next(step.text for step in steps if step.name == "HEALTHCHECK")
    shown = {
        line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {source for step in steps if step.name == "COPY" for source in step.text.split()[:-1]}
    assert shown == copied


# systemd


def _unit() -> list[tuple[str, str]]:
    lines = (DEPLOY / "rekall-server.service").read_text(encoding="utf-8").splitlines()
    return [(key, value) for key, separator, value in (line.partition("=") for line in lines) if separator]


def test_the_unit_serves_and_stops(tmp_path: Path) -> None:
    """Its ExecStart with its environment and the example file: it serves, and SIGTERM to it alone ends it in time."""
    unit = dict(_unit())
    state, etc, programs = tmp_path / "state", tmp_path / "etc", tmp_path / "bin"
    for folder in (state / unit["StateDirectory"], etc, programs):
        folder.mkdir(parents=True)
    shutil.copy(DEPLOY / "rekall-server.toml", etc)
    (programs / "rekall-server").write_text(f"#!/bin/sh\nexec '{sys.executable}' -m rekall_server \"$@\"\n")
    (programs / "rekall-server").chmod(0o755)

    def here(text: str) -> str:
        text = text.replace("%S", str(state)).replace("/etc/rekall-server", str(etc))
        return text.replace("/opt/rekall-server/bin", str(programs))

    command = shlex.split(here(unit["ExecStart"]))
    variables = dict(here(value).split("=", 1) for key, value in _unit() if key == "Environment")
    folder = Path(here(unit["WorkingDirectory"]))
    with started([*command, "--port", "0"], folder, {**environment(tmp_path), **variables}) as server:
        assert not server.call("rekall_search", {"query": "anything"}).is_error
        assert server.stop(timeout=float(unit["TimeoutStopSec"])) == 0
    assert (folder / "knowledge.db").exists()
    assert float(unit["TimeoutStopSec"]) >= DEFAULTS.drain_timeout + 10


def test_the_unit_holds_no_secret() -> None:
    """Secrets are in a file that it names, which may be missing."""
    text = (DEPLOY / "rekall-server.service").read_text(encoding="utf-8")
    assert "redis://" not in text
    unit = dict(_unit())
    assert unit["EnvironmentFile"] == "-/etc/rekall-server/environment"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Without a word of complaint, its program being there; and finds it well shut in."""
    program = tmp_path / "rekall-server"
    program.symlink_to(shutil.which("true") or "")
    text = (DEPLOY / "rekall-server.service").read_text(encoding="utf-8")
    unit = tmp_path / "rekall-server.service"
    unit.write_text(text.replace("/opt/rekall-server/bin/rekall-server", str(program)), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    if level is not None:  # older ones rate installed units only
        assert float(level[1]) < 2


# several services


def _compose() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def test_the_services_are_built_and_set_as_the_server_understands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are there, variables that are settings with values that are accepted, time to end calls in flight."""
    service = _compose()["services"]["rekall-server"]
    context = (DEPLOY / service["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / service["build"]["dockerfile"]).samefile(DEPLOY / "Containerfile")
    for name, value in service["environment"].items():
        assert isinstance(value, str)
        monkeypatch.setenv(name, value)
    loaded = load({})
    assert {name for name, origin in loaded.origins.items() if origin != "default"} == {
        name.removeprefix("REKALL_SERVER_").lower() for name in service["environment"]
    }
    assert service["ports"] == [f"127.0.0.1:{DEFAULTS.port}:{DEFAULTS.port}"]
    assert service["volumes"] == ["rekall:/var/lib/rekall-server"]
    assert int(service["stop_grace_period"].removesuffix("s")) >= DEFAULTS.drain_timeout + 10
    assert loaded.settings.allowed_hosts[0] in (DEPLOY / "Caddyfile").read_text(encoding="utf-8")


def test_the_files_of_the_services_are_there_or_kept_out_of_the_repository() -> None:
    """What is mounted is an example beside it, or a secret that git ignores."""
    services = _compose()["services"]
    mounted = [volume.partition(":")[0].removeprefix("./") for volume in services["redis"]["volumes"]]
    secrets = {"rekall-server.env", "users.acl"}
    assert {services["rekall-server"]["env_file"], *mounted} - secrets == {"redis.conf"}
    assert (DEPLOY / "redis.conf").exists()
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    hidden = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for name in secrets:
        assert f"server/deploy/{name}" in ignored
        assert f"server/deploy/{name}" in hidden


def test_the_proxy_hands_on_what_the_server_takes() -> None:
    """To the port of the server, and no smaller bodies."""
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert f"reverse_proxy 127.0.0.1:{DEFAULTS.port}\n" in text
    assert f"max_size {DEFAULTS.max_body // 1024**2}MiB\n" in text
