"""What `tools/deprecations` is made of: what is due at a version, each breach of the policy, the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from deprecation_policy.check import Checkout
from deprecation_policy.pages import BEGIN, END, listed, stale, table, write
from deprecation_policy.versions import release

from rekall.deprecation import Deprecation, register

ROOT = Path(__file__).resolve().parents[1]


def test_the_checkout_keeps_the_policy() -> None:
    """The register, the code, the version and the pages agree; moving the version makes this fail with what is due."""
    faults = Checkout.read(ROOT).faults()
    assert not faults, "\n".join(["the deprecation policy is broken:", *faults])


def test_the_register_is_read_as_rekall_reads_it() -> None:
    """Row by row."""
    assert dict(Checkout.read(ROOT).register.rows) == register()


# versions


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("3.0", (3,)),
        ("3.0.0", (3,)),
        ("3.0.0.dev0", (3,)),
        ("3.0.0rc1", (3,)),
        ("2.9.1", (2, 9, 1)),
        ("2.10.0.dev3", (2, 10)),
        ("3.1+local", (3, 1)),
        ("0.3.0", (0, 3)),
    ],
)
def test_a_version_is_its_numbers(version: str, numbers: tuple[int, ...]) -> None:
    """What leads to a version counts as it: in 3.0.0.dev0 what goes in 3.0 is due."""
    assert release(version) == numbers


@pytest.mark.parametrize("version", ["", "three", "3.x", "3.0-beta"])
def test_what_is_no_version_is_told(version: str) -> None:
    """Not taken for 0."""
    with pytest.raises(ValueError, match="is no version such as"):
        release(version)


# a checkout of the tests' own

ROW = {
    "name": "rekall.shop.price",
    "kind": "function",
    "since": "1.0",
    "removal": "3.0",
    "replacement": "rekall.cost",
}
SHOP = """\
from rekall.deprecation import deprecated

@deprecated("rekall.shop.price")
def price():
    return 1
"""


def make(root: Path, *rows: dict[str, Any], version: str = "1.4.0", changelog: str = "", **modules: str) -> Checkout:
    """A small checkout that keeps the policy but for what is given."""
    package = root / "rekall"
    package.mkdir()
    (root / "pyproject.toml").write_text(f'[project]\nname = "shop"\nversion = "{version}"\n')
    (package / "__init__.py").write_text(f'__version__ = "{version}"\n')
    for name, source in (modules or {"shop": SHOP}).items():
        (package / f"{name}.py").write_text(source)
    text = "# The register.\n"
    for row in rows or (ROW,):
        text += "\n[[deprecated]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items())
    (package / "deprecations.toml").write_text(text)
    (root / "migration_guide.md").write_text(f"# Guide\n\n{BEGIN}\n{END}\n\n## More\n")
    (root / "CHANGELOG.md").write_text(changelog or "# Changes\n\n## [Unreleased]\n\n### Deprecated\n\n### Fixed\n")
    checkout = Checkout.read(root)
    if not checkout.register.faults:
        write(root, checkout.register.rows)
    return checkout


def test_a_checkout_that_keeps_the_policy(tmp_path: Path) -> None:
    """What the cases below differ from."""
    assert make(tmp_path).faults() == []


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "a removal that is no major version": ({"removal": "3.1"}, "it goes in 3.1: only a major version takes something"),
    "a window of one major": ({"removal": "2.0"}, "deprecated in 1.0, it may go in 3.0 at the earliest, not in 2.0"),
    "a window that a minor version does not shorten": (
        {"since": "1.9", "removal": "2.0"},
        "deprecated in 1.9, it may go in 3.0 at the earliest",
    ),
    "a kind that is not known": ({"kind": "thing"}, "the kind 'thing' is none of function, method, class,"),
    "no replacement": ({"replacement": " "}, "replacement must be given, as text"),
    "no kind and no version": ({"kind": "", "since": ""}, "kind and since must be given, as text"),
    "a field that rows do not have": ({"wen": "soon"}, "a row has no wen; it has name, kind, since"),
    "a version that is a number": ({"removal": 3.0}, "removal must be given, as text"),
    "a target that is none": ({"target": ""}, "target must be given, as text"),
    "a version that is none": ({"since": "soon"}, "'soon' is no version such as 3.0.0"),
    "a parameter that is not written as one": ({"kind": "parameter"}, "no parameter is written so"),
    "a row of another kind than the code": (
        {"kind": "class"},
        "rekall.shop.price is function here, its row says",
    ),
}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "function"', "kind = function", "rekall/deprecations.toml: Invalid value (at line 5, column 8)"),
        ("[[deprecated]]", "[[depreciated]]", "rekall/deprecations.toml: it holds nothing but rows, each under a line"),
        ("[[deprecated]]", "[[deprecated]] # of shops", None),
        ("[[deprecated]]", " [[ deprecated ]]", None),
    ],
)
def test_a_register_that_cannot_be_read_is_one_line(old: str, new: str, told: str | None, tmp_path: Path) -> None:
    """Where TOML has several spellings, each is taken."""
    make(tmp_path)
    file = tmp_path / "rekall" / "deprecations.toml"
    file.write_text(file.read_text().replace(old, new))
    if told is None:
        assert Checkout.read(tmp_path).faults() == []
    else:
        with pytest.raises(ValueError, match=re.escape(told)):
            Checkout.read(tmp_path)


def test_a_row_that_begins_in_the_past_is_found(tmp_path: Path) -> None:
    """Else a name that first warns in 2.9 could go in 3.0, as if 1.0 had warned of it."""
    released = "# C\n\n## [Unreleased]\n\n## [1.0.0]\n\n- Functions, until 3.0: `rekall.shop.price`.\n"
    tax = ROW | {"name": "rekall.shop.tax"}
    source = SHOP + '\n@deprecated("rekall.shop.tax")\ndef tax(): ...\n'
    (fault,) = make(tmp_path, ROW, tax, changelog=released, shop=source, version="2.9.0").faults()
    assert fault.startswith("rekall/deprecations.toml:10: rekall.shop.tax: no changelog of a version that is out says")


@pytest.mark.parametrize("case", ROWS)
def test_a_row_that_breaks_the_policy_is_found(case: str, tmp_path: Path) -> None:
    """Told with file and line, and what is wrong."""
    change, text = ROWS[case]
    faults = make(tmp_path, ROW | change).faults()
    assert [fault for fault in faults if text in fault], faults
    assert all(re.match(r"(rekall/(deprecations\.toml:3|shop\.py:3)): ", fault) for fault in faults)


def test_a_name_that_stands_twice_is_found(tmp_path: Path) -> None:
    """The second row would silently take the place of the first."""
    (fault,) = make(tmp_path, ROW, ROW).faults()
    assert fault == "rekall/deprecations.toml:10: rekall.shop.price: the name stands in the register twice"


def test_a_row_that_nothing_warns_of_is_found(tmp_path: Path) -> None:
    """What goes without a warning surprises people."""
    (fault,) = make(tmp_path, ROW, ROW | {"name": "rekall.shop.tax"}).faults()
    assert fault == "rekall/deprecations.toml:10: rekall.shop.tax: nothing warns of it"


WARNINGS = {
    "the decorator": '@deprecated("gone")\ndef f(): ...\n',
    "the decorator of a class": '@deprecated("gone")\nclass C: ...\n',
    "the decorator of a method": 'class C:\n    @deprecated("gone")\n    def f(self): ...\n',
    "the decorator as a function": 'f = deprecated("gone")(print)\n',
    "a call": 'def f():\n    warn_deprecated("gone")\n',
    "a call by the module": 'def f():\n    deprecation.warn_deprecated("gone")\n',
    "a call by the whole name": 'def f():\n    rekall.deprecation.warn_deprecated("gone")\n',
    "a call by another name": 'def f():\n    tell("gone")\n',
    "a config key": 'OLDER_KEYS: Mapping[str, str] = {"gone": "new"}\n',
    "an option": 'OLDER_OPTIONS = {"gone": "--new"}\n',
    "an MCP parameter": 'OLDER_PARAMETERS = {"gone": "new"}\n',
    "an interface": 'older = row_of("gone")\n',
}
IMPORTS = (
    "import rekall.deprecation\n"
    "from rekall import deprecation\n"
    "from rekall.deprecation import deprecated, moved_module, moved_names, row_of, warn_deprecated\n"
    "from rekall.deprecation import warn_deprecated as tell\n"
)


@pytest.mark.parametrize("case", WARNINGS)
def test_a_warning_without_a_row_is_found(case: str, tmp_path: Path) -> None:
    """However the code warns."""
    source = IMPORTS + WARNINGS[case]
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "gone" in text)
    (fault,) = make(tmp_path, shop=SHOP, other=source).faults()
    assert fault == f"rekall/other.py:{line}: it warns of gone, which has no row in rekall/deprecations.toml"


OTHERS = {
    "a name that is not written out": ("warn_deprecated(NAME)\n", ":5: the name of what is deprecated must be a lit"),
    "a decorator without one": ("@deprecated(f'{x}')\ndef f(): ...\n", ":5: the name of what is deprecated must be"),
    "a warning past the register": (
        "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n",
        ":6: DeprecationWarning past the register: use rekall.deprecation",
    ),
    "a row made by hand": (
        "warnings.warn(RekallDeprecationWarning(row))\n",
        ":5: RekallDeprecationWarning past the register: use rekall.deprecation",
    ),
    "the decorator of Python": (
        "from typing_extensions import deprecated as old\n@old('x')\ndef f(): ...\n",
        ":5: deprecated of typing_extensions past the register",
    ),
    "another one": ("warnings.warn('old', category=FutureWarning)\n", ":5: FutureWarning past the register"),
    "a table that is computed": ("OLDER_KEYS = dict(a='b')\n", ": the table of older names must be a literal dict"),
    "a key that is computed": ("OLDER_KEYS = {A: 'b'}\n", ":5: a name in the table of older names must be a literal"),
    "a call whose rows are gone": ("moved_names(__name__)\n", ":5: no row of the register is about a name of rekall"),
    "a module without a row": ("moved_module(__name__)\n", ":5: it warns of rekall.other, which has no row"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_code_that_goes_past_the_register_is_found(case: str, tmp_path: Path) -> None:
    """What cannot be compared with the register is a fault too."""
    source, text = OTHERS[case]
    (fault,) = make(tmp_path, shop=SHOP, other=IMPORTS + source).faults()
    assert fault.startswith(f"rekall/other.py{text}")


def test_what_is_none_of_ours_is_left_alone(tmp_path: Path) -> None:
    """Functions of the same name, comments and texts are no warnings."""
    source = (
        "from shop import deprecated, warn_deprecated\n"
        "import warnings\n"
        "@deprecated('x')\n"
        "def f(store):\n"
        "    # warn_deprecated('y')\n"
        "    store.deprecated('z')\n"
        "    warn_deprecated('warn_deprecated(\"a\")')\n"
        "    warnings.warn('careful', UserWarning)\n"
    )
    assert make(tmp_path, shop=SHOP, other=source).faults() == []


KINDS = {
    "function": ("rekall.other.f", '@deprecated("rekall.other.f")\nasync def f(): ...\n'),
    "method": ("C.f", 'class C:\n    @staticmethod\n    @deprecated("C.f")\n    def f(): ...\n'),
    "class": ("rekall.other.C", '@deprecated("rekall.other.C")\nclass C: ...\n'),
    "attribute": ("C.f", 'class C:\n    @property\n    @deprecated("C.f")\n    def f(self): ...\n'),
    "parameter": ("f(x=)", 'def f(x=None):\n    if x:\n        warn_deprecated("f(x=)")\n'),
    "module": ("rekall.other", "moved_module(__name__)\n"),
    "config key": ("shop.limit", 'OLDER_KEYS = {"shop.limit": "promotion.threshold"}\n'),
    "CLI option": ("rekall sources list --old", 'OLDER_OPTIONS = {"rekall sources list --old": "--new"}\n'),
    "MCP parameter": ("rekall_add(old)", 'OLDER_PARAMETERS = {"rekall_add(old)": "new"}\n'),
    "interface": ("interface 1", 'older = row_of("interface 1")\n'),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_recognised_and_only_it(kind: str, tmp_path: Path) -> None:
    """Its row fits the code; a row of another kind does not."""
    name, source = KINDS[kind]
    checkout = make(tmp_path, ROW, ROW | {"name": name, "kind": kind}, shop=SHOP, other=IMPORTS + source)
    assert checkout.faults() == []
    (warned,) = [warned for warned in checkout.code.warned if warned.name == name]
    assert kind in warned.kinds
    assert "module" not in warned.kinds or kind == "module"


# what is due


def test_what_is_due_names_every_place(tmp_path: Path) -> None:
    """The row, the code that warns, and what is there for this name alone; a shared call goes with its last name."""
    moved = {
        "kind": "attribute",
        "since": "1.0",
        "removal": "3.0",
        "replacement": "nothing",
    }
    checkout = make(
        tmp_path,
        ROW,
        ROW | {"name": "rekall.shop.tax", "removal": "4.0", "since": "2.0"},
        moved | {"name": "rekall.older.LIMIT", "target": "rekall.legacy:LIMIT"},
        moved | {"name": "rekall.older.SIZE", "target": "rekall.legacy:SIZE"},
        moved | {"name": "rekall.older.WIDE", "target": "rekall.attic:WIDE"},
        moved | {"name": "rekall.older.LATER", "target": "rekall.shop:LATER", "since": "2.0", "removal": "4.0"},
        shop=SHOP + '\n@deprecated("rekall.shop.tax")\ndef tax(): ...\n',
        older=IMPORTS + "moved_names(__name__)\n",
        legacy="LIMIT = 3\nSIZE = 4\n",
        attic="WIDE = 5\n",
        user="from rekall.legacy import SIZE\nWIDE = 6\nprint(SIZE, WIDE)\n",
    )
    assert checkout.due("2.9.9") == []
    for version in ("3.0", "3.0.0.dev0", "3.2.1"):
        assert [str(due) for due in checkout.due(version)] == [
            "rekall.shop.price (function): rekall/deprecations.toml:3, rekall/shop.py:3",
            "rekall.older.LIMIT (attribute): rekall/deprecations.toml:17, rekall/legacy.py:1",
            "rekall.older.SIZE (attribute): rekall/deprecations.toml:25",
            "rekall.older.WIDE (attribute): rekall/deprecations.toml:33, rekall/attic.py:1",
        ]
    last = [str(due) for due in checkout.due("4.0")]
    assert "rekall.shop.tax (function): rekall/deprecations.toml:10, rekall/shop.py:7" in last
    assert "rekall.older.LATER (attribute): rekall/deprecations.toml:41, rekall/older.py:5" in last


@pytest.mark.parametrize(
    ("version", "due"), [("1.0.0.dev0", 0), ("2.0.0", 0), ("2.99.9", 0), ("3.0.0.dev0", 1), ("3.0.0", 1), ("4.1", 1)]
)
def test_a_removal_is_due_from_the_first_development_version_on(version: str, due: int, tmp_path: Path) -> None:
    """Not before, and for ever after."""
    faults = make(tmp_path, version=version).faults()
    assert len(faults) == due
    assert all(fault.startswith(f"due in {version}, delete rekall.shop.price (function): ") for fault in faults)


def test_the_list_is_worked_off_until_nothing_is_left(tmp_path: Path) -> None:
    """A row that is deleted without its code, and code without its row, are named until both are gone."""
    checkout = make(tmp_path, version="3.0.0", shop=SHOP, older=IMPORTS)
    (due,) = checkout.faults()
    assert due == ("due in 3.0.0, delete rekall.shop.price (function): rekall/deprecations.toml:3, rekall/shop.py:3")
    (tmp_path / "rekall" / "deprecations.toml").write_text("# The register.\n")
    left = Checkout.read(tmp_path).faults()
    assert left == [
        "rekall/shop.py:3: it warns of rekall.shop.price, which has no row in rekall/deprecations.toml",
        "migration_guide.md: not what the register gives: run tools/deprecations write",
        "CHANGELOG.md: not what the register gives: run tools/deprecations write",
    ]
    (tmp_path / "rekall" / "shop.py").write_text("")
    assert write(tmp_path, Checkout.read(tmp_path).register.rows) == []
    assert Checkout.read(tmp_path).faults() == []


def test_two_versions_in_one_checkout_are_found(tmp_path: Path) -> None:
    """The higher one counts."""
    checkout = make(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "3.0.0"\n')
    two, due = checkout.faults()
    assert two == "pyproject.toml says 3.0.0 but rekall/__init__.py says 1.4.0"
    assert due.startswith("due in 3.0.0, ")


# the pages


def _rows(*rows: dict[str, str]) -> Iterable[Deprecation]:
    return [Deprecation(**row) for row in rows]


def test_the_table_of_the_guide() -> None:
    """A row each, in their order, with code where code is meant."""
    rows = _rows(ROW, ROW | {"name": "f(x=)", "kind": "parameter", "replacement": "the y of f(y), or a_b and c.d"})
    assert table(rows).splitlines()[2:] == [
        "| `rekall.shop.price` | 1.0 | 3.0 | `rekall.cost` | function |",
        "| `f(x=)` | 1.0 | 3.0 | the y of `f(y)`, or `a_b` and `c.d` | parameter |",
    ]


def test_the_list_of_the_changelog() -> None:
    """By removal and kind, in lines that fit."""
    rows = _rows(
        *(ROW | {"name": f"rekall.shop.name_{n}"} for n in range(9)), ROW | {"kind": "class", "removal": "4.0"}
    )
    text = listed(rows)
    assert text.count("- ") == 2
    assert text.splitlines()[-1] == "- Class, until 4.0: `rekall.shop.price`."
    assert "- Functions, until 3.0: `rekall.shop.name_0`, `rekall.shop.name_1`," in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("page", ["migration_guide.md", "CHANGELOG.md"])
def test_a_page_that_was_written_by_hand_is_found_and_mended(page: str, tmp_path: Path) -> None:
    """`write` changes what is between the marks, and nothing else."""
    checkout = make(tmp_path)
    good = (tmp_path / page).read_text()
    (tmp_path / page).write_text(good.replace("rekall.shop.price", "rekall.shop.prices"))
    assert checkout.faults() == [f"{page}: not what the register gives: run tools/deprecations write"]
    assert write(tmp_path, checkout.register.rows) == []
    assert (tmp_path / page).read_text() == good
    assert good.endswith(("\n\n## More\n", "\n\n### Fixed\n"))


def test_a_page_without_a_place_is_told(tmp_path: Path) -> None:
    """And not written to."""
    checkout = make(tmp_path)
    (tmp_path / "migration_guide.md").write_text("# Guide\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n")
    guide, changelog = stale(tmp_path, checkout.register.rows)
    assert guide.startswith("migration_guide.md: the table of what is deprecated goes between the lines <!-- ")
    assert changelog.startswith("CHANGELOG.md: what is deprecated goes under a heading '### Deprecated'")
    assert write(tmp_path, checkout.register.rows) == [guide, changelog]
    assert (tmp_path / "CHANGELOG.md").read_text() == "# Changes\n"


def test_the_changelog_of_a_release_is_history(tmp_path: Path) -> None:
    """What was deprecated in a version that is out stays as it was written; only what is newer is listed above it."""
    released = "## [1.0.0] - 2030-01-02\n\n### Deprecated\n\n- Something, in the words of then.\n"
    before = f"# Changes\n\n## [Unreleased]\n\n### Deprecated\n\n{released}"
    newer = ROW | {"name": "rekall.shop.tax", "since": "1.4"}
    source = SHOP + '\n@deprecated("rekall.shop.tax")\ndef tax(): ...\n'
    make(tmp_path, ROW, newer, changelog=before, shop=source)
    text = (tmp_path / "CHANGELOG.md").read_text()
    assert text.endswith(released)
    assert "- Function, until 3.0: `rekall.shop.tax`.\n" in text
    assert "rekall.shop.price" not in text


def test_a_heading_without_anything_under_it_goes(tmp_path: Path) -> None:
    """Nothing new is deprecated: the section is not there."""
    make(tmp_path, changelog="# C\n\n## [Unreleased]\n\n### Deprecated\n\n### Fixed\n\n## [1.0.0]\n\n- First.\n")
    text = (tmp_path / "CHANGELOG.md").read_text()
    assert text == "# C\n\n## [Unreleased]\n\n### Fixed\n\n## [1.0.0]\n\n- First.\n"
