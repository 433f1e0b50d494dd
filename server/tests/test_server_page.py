"""docs/server.md says what is so, and its commands do what it says: run as they stand there, in its order."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from server_support.redis import RedisServer
from server_support.server import environment, running

from rekall_server import masking
from rekall_server.backends.pooled_db import PooledDatabaseBackend
from rekall_server.backends.redis_cache import RedisCacheBackend
from rekall_server.settings import Settings

SERVER = Path(__file__).parents[1]
ROOT = SERVER.parent
DEPLOY = SERVER / "deploy"
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = f"""set -eo pipefail
rekall() {{ "{sys.executable}" -m rekall "$@"; }}
rekall-server() {{ "{sys.executable}" -m rekall_server "$@"; }}
python3() {{ "{sys.executable}" "$@"; }}
pip() {{ [[ $* == "install . ./server" ]]; }}
"""
"""What the commands of the page mean here; installing is what test_packaging.py is about."""


def _section(heading: str) -> str:
    return PAGE[PAGE.index(f"\n## {heading}\n") :].split("\n## ", 2)[1]


def _blocks(heading: str, language: str = "") -> list[str]:
    """The fenced blocks of a section that are in a language; none is for a shell."""
    return [text for found, text in _BLOCK.findall(_section(heading)) if found == language]


def _bash(script: str, folder: Path, variables: Mapping[str, str], programs: str = PROGRAMS) -> str:
    """What a script that must succeed says on stdout."""
    done = subprocess.run(
        ["bash", "-c", programs + script], cwd=folder, env=dict(variables), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_it_says_at_the_start_is_on_the_page(tmp_path: Path) -> None:
    """Line by line, but for where this user's base is and the free port; the commands above it start it."""
    assert _blocks("Start")[0] == "pip install . ./server\nrekall-server\n"
    with running(tmp_path) as server:
        server.call("rekall_search", {"query": "anything"})
        server.stop()
        said = "".join(server.output).replace(f":{server.port}/", ":8765/").replace(str(tmp_path), "/home/you")
    assert said == _blocks("Start", "text")[0]


def test_looking_before_serving(tmp_path: Path) -> None:
    """`config` and `check`, on a machine that has nothing yet."""
    said = _bash(_blocks("Start")[1], tmp_path, environment(tmp_path))
    assert "port\t8765\tdefault" in said
    assert "ok\tdatabase\t" in said


def test_every_client_is_given_the_address_and_the_token() -> None:
    """The lines are what their programs read: JSON, or a command."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| `(.+)` \|$", _section("Connect clients"), re.MULTILINE)
    assert len(rows) == 4
    for client, line in rows:
        if client == "Claude Code":
            assert shlex.split(line)[-4:] == ["rekall", "URL", "--header", "Authorization: Bearer TOKEN"]
            continue
        ((_, servers),) = json.loads(line).items()
        values = servers["rekall"]
        assert values["headers"] == {"Authorization": "Bearer TOKEN"}
        assert "URL" in values.values()


def test_tokens_are_made_listed_and_ended(tmp_path: Path) -> None:
    """Each command of the section; a token stands alone on stdout, and is not in the file."""
    said = _bash(_blocks("Tokens")[0], tmp_path, environment(tmp_path)).splitlines()
    tokens, listed = said[:2], said[2:4]
    assert [line.split("\t")[:2] for line in listed] == [["ann", "read and write"], ["dashboard", "read"]]
    (file,) = (path for path in (tmp_path / ".config").rglob("*.toml") if "token" in path.name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(token in file.read_text(encoding="utf-8") for token in tokens)


def test_behind_a_proxy(tmp_path: Path) -> None:
    """The name is allowed by the flag of the page, others and foreign web pages are not; a token is needed."""
    make, serve = _blocks("Beyond this machine")[0].splitlines()
    token = _bash(make, tmp_path, environment(tmp_path)).strip()
    with running(tmp_path, *shlex.split(serve)[1:]) as server:

        def status(**headers: str) -> int:
            given = {"Authorization": f"Bearer {token}", "Host": "rekall.example.org", **headers}
            return server.post("rekall_search", {"query": "anything"}, **given).status_code

        assert status() == 200
        assert status(Host="elsewhere.example.org") == 421
        assert status(Origin="https://elsewhere.example.org") == 403
        assert status(Authorization="") == 401


def test_systemd_finds_everything_where_the_commands_put_it(tmp_path: Path) -> None:
    """The commands, below a folder instead of the root; users and services are noted instead of made."""
    first, second = (re.sub(r"(?<![\w/])/(?=etc/|opt/|var/)", f"{tmp_path}/", text) for text in _blocks("systemd"))
    for folder in ("etc/systemd/system", "opt", "var/lib/rekall-server"):
        (tmp_path / folder).mkdir(parents=True)
    programs = f"""set -eo pipefail
python3() {{
    [[ $1 == -m && $2 == venv ]]
    mkdir -p "$3/bin"
    printf '#!/bin/sh\\n[ "$*" = "install . ./server" ]\\n' >"$3/bin/pip"
    printf '#!/bin/sh\\nexec "{sys.executable}" -m rekall_server "$@"\\n' >"$3/bin/rekall-server"
    chmod +x "$3/bin/pip" "$3/bin/rekall-server"
}}
useradd() {{ echo "useradd $*" >>"{tmp_path}/noted"; }}
systemctl() {{ echo "systemctl $*" >>"{tmp_path}/noted"; }}
runuser() {{ [[ $1 == -u && $3 == -- ]]; "${{@:4}}"; }}
"""
    _bash(first, ROOT, environment(tmp_path), programs)
    token = _bash(second, ROOT, environment(tmp_path), programs).strip()
    assert len(token) > 40
    assert (tmp_path / "var/lib/rekall-server/rekall-server-tokens.toml").exists()
    unit = (tmp_path / "etc/systemd/system/rekall-server.service").read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/])/(?:etc|opt)/[\w./-]+[\w]", re.sub(r"^#.*", "", unit, flags=re.MULTILINE))
    assert {"/etc/rekall-server/environment", "/opt/rekall-server/bin/rekall-server"} <= set(named)
    assert [path for path in named if not (tmp_path / path[1:]).exists()] == []
    assert stat.S_IMODE((tmp_path / "etc/rekall-server/environment").stat().st_mode) == 0o600
    noted = (tmp_path / "noted").read_text(encoding="utf-8")
    assert re.search(r"useradd .* rekall-server\n", noted)
    assert "User=rekall-server\n" in unit
    assert "systemctl enable --now rekall-server\n" in noted


def test_containers_are_built_and_given_a_token(tmp_path: Path) -> None:
    """The commands name the files that are there; what a container would run, runs."""
    programs = f"""set -eo pipefail
docker() {{
    case $1 in
        build) [[ -f $3 && ${{*: -1}} == . ]] ;;
        run) [[ $* == *"--volume rekall:/var/lib/rekall-server "* ]]
             [[ $* == *" rekall-server token new ann" ]] || [[ $* == *" --publish 127.0.0.1:8765:8765 rekall-server" ]]
             [[ $* != *" token "* ]] || "{sys.executable}" -m rekall_server token new ann ;;
        *) return 1 ;;
    esac
}}
"""
    said = _bash(_blocks("Containers")[0], ROOT, environment(tmp_path), programs)
    assert len(said.splitlines()) == 1


def test_the_secrets_of_the_services_let_the_server_in_and_nobody_else(tmp_path: Path) -> None:
    """The commands make both files; a Redis with them and `redis.conf` takes the server, which needs no more rights."""
    shutil.copytree(DEPLOY, tmp_path / "server" / "deploy")
    _bash(_blocks("Containers")[1], tmp_path, environment(tmp_path))
    folder = tmp_path / "server" / "deploy"
    assert stat.S_IMODE((folder / "rekall-server.env").stat().st_mode) == 0o600
    name, _, url = (folder / "rekall-server.env").read_text(encoding="utf-8").strip().partition("=")
    assert name == "REKALL_SERVER_REDIS_URL"
    users = (folder / "users.acl").read_text(encoding="utf-8").splitlines()
    assert re.sub(r"#\w+", "#DIGEST", users[1]) == _blocks("Redis", "text")[0].strip()
    # its own lines give the port and the place of the files, and its users come from the file of the page
    lines = (folder / "redis.conf").read_text(encoding="utf-8").splitlines()
    options = [line for line in lines if line and not line.startswith(("#", "bind", "port", "aclfile", "protected"))]
    assert options[0] == "maxmemory 256mb"
    redis = RedisServer(tmp_path, *options)
    try:
        for user in users:
            _, who, *rules = user.split()
            redis.command("ACL", "SETUSER", who, *rules)
        password = url.partition("rekall:")[2].partition("@")[0]
        own = {**environment(tmp_path), name: redis.url_of("rekall", password)}
        assert "ok\tcache\tredis" in _bash("rekall-server check", tmp_path, own)
        refused = {**own, name: redis.url_of("rekall", "another")}
        assert "failure\tcache\t" in _bash("rekall-server check || true", tmp_path, refused)
        assert "failure\tcache\t" in _bash("rekall-server check || true", tmp_path, {**own, name: redis.url})
        with running(tmp_path, **{name: own[name]}) as server:
            assert not server.call("rekall_search", {"query": "anything"}).is_error
    finally:
        redis.close()


def test_backup_and_restore_while_it_is_served(tmp_path: Path) -> None:
    """The commands of the page beside a server: it goes on, and answers from what was restored."""
    backup, restore = _blocks("Backup, restore, upgrade")[0].splitlines()
    with running(tmp_path) as server:
        first = {"type": "bug", "title": "Kept", "content": "", "context": _CONTEXT}
        assert not server.call("rekall_add", first).is_error
        _bash(backup, tmp_path, environment(tmp_path))
        assert not server.call("rekall_add", {**first, "title": "Written later"}).is_error
        _bash(restore, tmp_path, environment(tmp_path))
        found = server.call("rekall_search", {"query": "kept OR later"}).structured_content["results"]
        assert [hit["title"] for hit in found] == ["Kept"]
        assert not server.call("rekall_add", {**first, "title": "Written afterwards"}).is_error
    _bash(_blocks("Backup, restore, upgrade")[1], tmp_path, environment(tmp_path))


def test_a_removed_file_is_told_and_put_back(tmp_path: Path) -> None:
    """Nobody is told that nothing is stored; after the command of the table the server answers from the backup."""
    (command,) = re.findall(r"\| the file is removed \| .+? \| `(.+?)`", _section("Faults"))
    with running(tmp_path) as server:
        entry = {"type": "bug", "title": "Kept", "content": "", "context": _CONTEXT}
        assert not server.call("rekall_add", entry).is_error
        _bash("rekall backup --output FILE", tmp_path, environment(tmp_path))
        (tmp_path / ".local/share/rekall/knowledge.db").unlink()
        refused = server.call("rekall_search", {"query": "kept"})
        assert refused.is_error
        assert masking.BROKEN in refused.content[0].text
        assert httpx2.get(f"{server.url}/ready").status_code == 503
        _bash(f"{command} --yes", tmp_path, environment(tmp_path))
        found = server.call("rekall_search", {"query": "kept"}).structured_content["results"]
        assert [hit["title"] for hit in found] == ["Kept"]


_CONTEXT = {"situation": "A server was served", "solution": "It went on", "trigger_keywords": ["server"]}


def test_what_is_to_be_watched_is_there(tmp_path: Path) -> None:
    """The paths of the table, and each figure that the page names."""
    with running(tmp_path) as server:
        for path in re.findall(r"^\| `(/\w+)` \|", _section("Watch it"), re.MULTILINE):
            assert httpx2.get(f"{server.url}{path}").status_code == 200, path
        server.call("rekall_search", {"query": "anything"})
        figures = httpx2.get(f"{server.url}/metrics").text
    for name in re.findall(r"`(rekall_\w+)`", _section("Faults")):
        assert re.search(rf"^{name}", figures, re.MULTILINE), name


def test_callers_are_told_what_the_page_says() -> None:
    """The texts of the table of faults are those of the code, the number of the request aside."""
    section = _section("Faults")
    for text in (masking.UNAVAILABLE, masking.BROKEN, masking.UNKNOWN.partition(", ")[2]):
        assert text in section
    quoted = re.findall(r"`([^`]*service is unavailable[^`]*)`", section)
    assert quoted
    for text in quoted:
        assert text.removesuffix(" (request ...)") in (masking.UNAVAILABLE, masking.BROKEN)


def test_every_setting_is_in_the_table() -> None:
    """In the order of the code, with its default and its words."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", _section("Settings"), re.MULTILINE)
    assert rows == [
        (name, _default(name, field.default), _words(field.description))
        for name, field in Settings.model_fields.items()
    ]


def _default(name: str, value: Any) -> str:
    if name == "token_file":
        return "beside `config.toml`"
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _words(description: str | None) -> str:
    text = (description or "").rstrip(".")
    return text[:1].lower() + text[1:]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"server/deploy/[\w.-]+\w", PAGE))))
def test_every_example_that_it_names_is_there(path: str) -> None:
    """And every example is named."""
    assert (ROOT / path).exists()
    named = set(re.findall(r"server/deploy/([\w.-]+\w)", PAGE))
    shipped = {file.name for file in DEPLOY.iterdir()} - {"rekall-server.env", "users.acl"}
    assert {name for name in shipped if not name.endswith(".dockerignore")} == named - {"rekall-server.env"}


def test_variables_of_the_page_are_known() -> None:
    """They are settings, in capitals."""
    for name in re.findall(r"REKALL_SERVER_([A-Z_]+)", PAGE):
        assert name.lower() in {*Settings.model_fields, "config"}, name


def test_every_part_is_on_the_page_of_the_architecture() -> None:
    """The table names each module and folder of the package, and nothing that is gone."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page[page.index("| parts of `rekall_server`") :].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    parts = {path.stem for path in (SERVER / "rekall_server").iterdir() if path.suffix in ("", ".py")}
    assert sorted(named) == sorted(part for part in parts if not part.startswith("__"))


def test_the_options_of_the_back_ends_are_on_their_page() -> None:
    """In the table of docs/backends.md, with what holds where none is given."""
    page = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")
    for name, backend in (("pooled", PooledDatabaseBackend), ("redis", RedisCacheBackend)):
        (cell,) = re.findall(rf"^\| `{name}` \| (`.+?) \|", page, re.MULTILINE)
        told = dict(re.findall(r"`(\w+)` \(([^)]+)\)", cell))
        assert told.keys() == (backend.options or {}).keys()
        for option, parameter in inspect.signature(backend).parameters.items():
            if option in told and parameter.default is not None:
                shown = parameter.default if isinstance(parameter.default, str) else f"{parameter.default:g}"
                assert told[option].strip("`").partition(",")[0] == shown
