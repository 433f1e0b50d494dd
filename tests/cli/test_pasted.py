"""A pasted text is one argument of `rekall search`, whatever stands in it."""

from __future__ import annotations

import json

import pytest
from support.command_line import CommandLine, run_program

PASTED = {
    "Settings are None when the worker forks early": (
        "2026-03-14 02:11:07,412 ERROR [pid 28117]\n"
        "Traceback (most recent call last):\n"
        '  File "/srv/app/worker.py", line 88, in start\n'
        "    url = settings.broker_url\n"
        "          ^^^^^^^^^^^^^^^^^^^\n"
        "AttributeError: 'NoneType' object has no attribute 'broker_url'\n"
    ),
    "Wrong relation name in the report": 'ERROR:  relation "order\'lines" does not exist\nLINE 1: SELECT *\n        ^',
    "The default site catches unknown hosts": "/etc/nginx/sites-enabled/default",
    "std::vector iterators are invalid after push_back": "std::vector<int>::push_back(int&&)",
    "The header is user-id": "--user-id",
    "Windows line ends in the script": "exec C:\\build\\run.sh\r\n\tbad interpreter: \x1b[31m/bin/sh^M\x1b[0m",
}


@pytest.fixture
def base(cli: CommandLine) -> CommandLine:
    """An entry for each text, and entries that share words with them."""
    contents = {
        "Settings are None when the worker forks early": "broker_url of NoneType",
        "Wrong relation name in the report": "order'lines was created in quotes",
        "The default site catches unknown hosts": "/etc/nginx/sites-enabled/default",
        "Windows line ends in the script": "bad interpreter: /bin/sh^M",
        "A user gets an id": "Each user has one id",
        "The worker logs its pid": "ERROR lines of the worker name file and line",
        "nginx serves the report by default": "sites are enabled by a link",
    }
    for title in {**PASTED, **contents}:
        cli.add(title, "--content", contents.get(title, ""))
    return cli


@pytest.mark.parametrize("title", PASTED)
def test_it_finds_its_entry(base: CommandLine, title: str) -> None:
    """Line ends, tabs, quotes, escape sequences and leading hyphens are no more than punctuation."""
    before = ["--"] if PASTED[title].startswith("-") else []
    answer = json.loads(base.ok("search", "--json", *before, PASTED[title]))
    assert answer["results"][0]["title"] == title


def test_a_program_of_its_own(base: CommandLine) -> None:
    """The text reaches another process as it was pasted, and the answer is one line for each hit."""
    title, text = next(iter(PASTED.items()))
    ran = run_program("search", text)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.decode().splitlines()[0].split("\t")[4] == title
