"""Pairs of public surfaces with one change between them, as `tools/api` would write them."""

from __future__ import annotations

ROW = 'deprecated {name}: row of="{kind}" since="1.0" removal="3.0"'
"""A row of the deprecation register in a surface."""

BREAKING: dict[str, tuple[str, str, str]] = {
    "a function is removed": ("r.f: function ()", "", "r.f: is gone"),
    "a module is removed": ("r: module\nr.f: function ()", "", "r: is gone"),
    "a class is removed, which is told once": ("r.C: class\nr.C.m: method ()", "", "r.C: is gone"),
    "a method is removed": ("r.C: class\nr.C.m: method ()", "r.C: class", "r.C.m: is gone"),
    "another name of a thing is removed": (
        "r.f: function ()\ns.f: name of r.f",
        "r.f: function ()",
        "s.f: is gone",
    ),
    "a deprecated name is removed": (
        "r.f: deprecated name of s.f\ns.f: function ()",
        "s.f: function ()",
        "r.f: is gone",
    ),
    "a parameter is removed": ("r.f: function (a, b=1)", "r.f: function (a)", "r.f(b=): takes it no more"),
    "a parameter is renamed": ("r.f: function (a)", "r.f: function (b=None)", "r.f(a=): takes it no more"),
    "a parameter becomes required": ("r.f: function (a=1)", "r.f: function (a)", "r.f(a=): requires it"),
    "a new parameter is required": ("r.f: function ()", "r.f: function (*, a)", "r.f(a=): requires a new parameter"),
    "a new parameter comes in between": (
        "r.f: function (a, b=1)",
        "r.f: function (a, c=1, b=1)",
        "r.f(c=): takes it before b, where another one was",
    ),
    "parameters change places": (
        "r.f: function (a, b)",
        "r.f: function (b, a)",
        "r.f: takes its parameters in another order: b, a",
    ),
    "a parameter is given by name only": (
        "r.f: function (a)",
        "r.f: function (*, a)",
        "r.f(a=): takes it by name only",
    ),
    "a parameter is given by place only": (
        "r.f: function (a)",
        "r.f: function (a, /)",
        "r.f(a=): takes it by place only",
    ),
    "further values by place are refused": (
        "r.f: function (*a)",
        "r.f: function ()",
        "r.f: takes no further values by place any more",
    ),
    "further values by name are refused": (
        "r.f: function (**a)",
        "r.f: function ()",
        "r.f: takes no further values by name any more",
    ),
    "an annotation loses a type": (
        "r.f: function (a: int | str | None)",
        "r.f: function (a: int | str)",
        "r.f(a=): takes int | str instead of int | str | None",
    ),
    "an annotation loses a value": (
        "r.f: function (a: Literal['x', 'y'])",
        "r.f: function (a: Literal['x'])",
        "r.f(a=): takes Literal['x'] instead of Literal['x', 'y']",
    ),
    "a result may be None now": (
        "r.f: function () -> int",
        "r.f: function () -> int | None",
        "r.f: gave int and gives int | None",
    ),
    "a function has to be awaited": (
        "r.f: function ()",
        "r.f: async function ()",
        "r.f: was a function, is a async function",
    ),
    "a method needs an object": (
        "r.C.m: static method ()",
        "r.C.m: method ()",
        "r.C.m: was a static method, is a method",
    ),
    "a method becomes a property": ("r.C.m: method ()", "r.C.m: property int", "r.C.m: was a method, is a property"),
    "a property becomes a method": ("r.C.m: property int", "r.C.m: method ()", "r.C.m: was a property, is a method"),
    "a property cannot be set": (
        "r.C.m: settable property int",
        "r.C.m: property int",
        "r.C.m: cannot be set any more",
    ),
    "a field becomes required": (
        "r.C.__init__: method (a: int = 1)\nr.C.a: field int = 1",
        "r.C.__init__: method (a: int)\nr.C.a: field int = 1",
        "r.C(a=): requires it",
    ),
    "a constructor is gone": (
        "r.C: class\nr.C.__init__: method (a)",
        "r.C: class",
        "r.C: is not made of values any more",
    ),
    "an interface has a new abstract method": (
        "r.C: class of abc.ABC",
        "r.C: class of abc.ABC\nr.C.m: abstract method ()",
        "r.C.m: is a new abstract method, which no class of others has",
    ),
    "an interface has a new abstract property": (
        "r.C: class of abc.ABC",
        "r.C: class of abc.ABC\nr.C.m: abstract property int",
        "r.C.m: is a new abstract method, which no class of others has",
    ),
    "a method of an interface becomes abstract": (
        "r.C.m: method ()",
        "r.C.m: abstract method ()",
        "r.C.m: is abstract now, and classes of others may lack it",
    ),
    "an abstract method is called with more": (
        "r.C.m: abstract method ()",
        "r.C.m: abstract method (a=1)",
        "r.C.m(a=): may be called with a parameter that nobody implemented",
    ),
    "a method that implementers may override is called with more": (
        "r.C.m: abstract method ()\nr.C.n: method ()",
        "r.C.m: abstract method ()\nr.C.n: method (a=1)",
        "r.C.n(a=): may be called with a parameter that nobody implemented",
    ),
    "an error loses a base of its own": (
        "r.E: class of r.B, ValueError\nr.B: class of Exception",
        "r.E: class of r.B\nr.B: class of Exception",
        "r.E: derives no more from ValueError",
    ),
    "an error loses a base of its base": (
        "r.E: class of r.B\nr.B: class of LookupError",
        "r.E: class of r.B\nr.B: class of Exception",
        "r.B: derives no more from LookupError\nr.E: derives no more from LookupError",
    ),
    "an error has another base": (
        "r.E: class of r.B\nr.A: class of Exception\nr.B: class of LookupError",
        "r.E: class of r.A\nr.A: class of Exception\nr.B: class of LookupError",
        "r.E: derives no more from LookupError, r.B",
    ),
    "a class becomes frozen": ("r.C: class", "r.C: frozen class", "r.C: is frozen now"),
    "a class becomes a function": ("r.C: class", "r.C: function ()", "r.C: was a class, is a function"),
    "a type loses a value": (
        "r.T: type Literal['a', 'b']",
        "r.T: type Literal['a']",
        "r.T: was Literal['a', 'b'], is Literal['a']",
    ),
    "a command is removed": (
        '$ rekall a: command\n$ rekall a --x: option type="flag"',
        "",
        "rekall a: is gone",
    ),
    "an option is removed, which is told once": (
        '$ rekall a: command\n$ rekall a --x: option type="flag"\n$ rekall a -x: name of $ rekall a --x',
        "$ rekall a: command",
        "rekall a --x: is gone",
    ),
    "a short option is removed": (
        '$ rekall a --x: option type="flag"\n$ rekall a -x: name of $ rekall a --x',
        '$ rekall a --x: option type="flag"',
        "rekall a -x: is gone",
    ),
    "a flag takes a value": (
        '$ rekall a --x: option type="flag"',
        '$ rekall a --x: option type="text"',
        "rekall a --x: is text instead of flag",
    ),
    "an option takes numbers only": (
        '$ rekall a --x: option type="text"',
        '$ rekall a --x: option type="integer"',
        "rekall a --x: is integer instead of text",
    ),
    "an option accepts less": (
        '$ rekall a --x: option type="integer" highest=9',
        '$ rekall a --x: option type="integer" highest=5',
        "rekall a --x: accepts no more than 5, and was 9",
    ),
    "an option accepts nothing small": (
        '$ rekall a --x: option type="integer"',
        '$ rekall a --x: option type="integer" lowest=1',
        "rekall a --x: accepts no less than 1, and was nothing",
    ),
    "an option is given once": (
        '$ rekall a --x: option repeatable=true type="text"',
        '$ rekall a --x: option type="text"',
        "rekall a --x: has repeatable nothing instead of True",
    ),
    "an argument becomes required": (
        '$ rekall a <1>: argument type="text"',
        '$ rekall a <1>: argument type="text" required=true',
        "rekall a <1>: is required now",
    ),
    "a new argument is required": (
        "$ rekall a: command",
        '$ rekall a: command\n$ rekall a <1>: argument type="text" required=true',
        "rekall a <1>: is new and required",
    ),
    "a command becomes a group": ("$ rekall a: command", "$ rekall a: group", "rekall a: was a command, is a group"),
    "a parameter of a tool is removed": (
        'mcp t: tool\nmcp t(a): parameter type="string"',
        "mcp t: tool",
        "t(a): is gone",
    ),
    "a parameter inside an object is removed": (
        'mcp t: tool\nmcp t(a.b): parameter type="string"\nmcp t(a): parameter type="object"',
        'mcp t: tool\nmcp t(a): parameter type="object"',
        "t(a.b): is gone",
    ),
    "an object parameter is removed, which is told once": (
        'mcp t: tool\nmcp t(a.b): parameter type="string"\nmcp t(a): parameter type="object"',
        "mcp t: tool",
        "t(a): is gone",
    ),
    "a parameter of a tool becomes required": (
        'mcp t(a): parameter type="string"',
        'mcp t(a): parameter type="string" required=true',
        "t(a): is required now",
    ),
    "a new parameter of a tool is required": (
        "mcp t: tool",
        'mcp t: tool\nmcp t(a): parameter type="string" required=true',
        "t(a): is new and required",
    ),
    "a new parameter inside an object is required": (
        'mcp t: tool\nmcp t(a): parameter type="object"',
        'mcp t: tool\nmcp t(a.b): parameter type="string" required=true\nmcp t(a): parameter type="object"',
        "t(a.b): is new and required",
    ),
    "a parameter of a tool takes one type less": (
        'mcp t(a): parameter type=["object", "string"]',
        'mcp t(a): parameter type="object"',
        "t(a): is object instead of ['object', 'string']",
    ),
    "a tool is removed": ("mcp t: tool", "", "t: is gone"),
    "a resource is removed": ("mcp rekall://a/{b}: resource", "", "rekall://a/{b}: is gone"),
    "a parameter of a tool takes a value of another type": (
        'mcp t(a): parameter type="string"',
        'mcp t(a): parameter type="boolean"',
        "t(a): is boolean instead of string",
    ),
    "a list of a tool takes values of another type": (
        'mcp t(a): parameter type="array" items="string"',
        'mcp t(a): parameter type="array" items="integer"',
        "t(a): is integer instead of string",
    ),
    "a config key takes a value of another type": (
        'config.toml a.b: key type="integer"',
        'config.toml a.b: key type="boolean"',
        "a.b: is boolean instead of integer",
    ),
    "a config key is removed": ('config.toml a.b: key type="text"', "", "a.b: is gone"),
    "a config key accepts less": (
        'config.toml a.b: key type="text" choices=["x", "y"]',
        'config.toml a.b: key type="text" choices=["x"]',
        "a.b: accepts y no more",
    ),
    "a config key accepts a choice only": (
        'config.toml a.b: key type="text"',
        'config.toml a.b: key type="text" choices=["x"]',
        "a.b: accepts x and nothing else now",
    ),
    "a variable means nothing more": (
        'config.toml a.b: key type="text" environment="A"',
        'config.toml a.b: key type="text"',
        "a.b: has environment nothing instead of A",
    ),
    "an environment variable is removed": ("environment A: variable", "", "A: is gone"),
    "a script is removed": ("distribution script a: script b:c", "", "script a: is gone"),
    "a version of the interface is refused": ("distribution interface 1: interface", "", "interface 1: is gone"),
    "an extra is removed": ("distribution extra a: extra", "", "extra a: is gone"),
    "a deprecated config key is refused": (
        ROW.format(name="old_key", kind="config key"),
        "",
        "old_key: was deprecated, and is no config key any more",
    ),
    "a removal comes earlier": (
        ROW.format(name="r.f", kind="function"),
        ROW.format(name="r.f", kind="function").replace("3.0", "2.0"),
        "r.f: goes in 2.0, and was to stay until 3.0",
    ),
}
"""What breaks somebody: the surface before and after, and how each such change is told, a line each."""

HARMLESS: dict[str, tuple[str, str, list[str]]] = {
    "nothing changes": ("r.f: function (a: int = 1)", "r.f: function (a: int = 1)", []),
    "a function is new": ("", "r.f: function (a)", ["new"]),
    "a module is new": ("", "r: module\nr.f: function (a)", ["new", "new"]),
    "an interface is new": ("", "r.C: class\nr.C.m: abstract method (a)", ["new", "new"]),
    "a method is new": ("r.C: class", "r.C: class\nr.C.m: method (a)", ["new"]),
    "a parameter with a default is new": ("r.f: function (a)", "r.f: function (a, b=1)", ["new"]),
    "a keyword with a default is new": ("r.f: function (a)", "r.f: function (a, *, b=1)", ["new"]),
    "a parameter may be left out": ("r.f: function (a)", "r.f: function (a=1)", []),
    "a keyword is taken by place too": ("r.f: function (*, a)", "r.f: function (a)", []),
    "a parameter by place gets another name": ("r.f: function (a, /)", "r.f: function (b=1, *c)", ["new"]),
    "any values are taken instead": ("r.f: function (a, *, b=1)", "r.f: function (*a, **b)", []),
    "a parameter takes more types": ("r.f: function (a: int)", "r.f: function (a: int | str)", ["look"]),
    "a result has fewer types": ("r.f: function () -> int | None", "r.f: function () -> int", ["look"]),
    "an annotation is another one": ("r.f: function (a: int)", "r.f: function (a: Any)", ["look"]),
    "a default is another one": ("r.f: function (a=1)", "r.f: function (a=2)", ["look"]),
    "an abstract method has a body": ("r.C.m: abstract method ()", "r.C.m: method ()", []),
    "a method needs no object": ("r.C.m: method ()", "r.C.m: static method ()", []),
    "a method moved to a base": (
        "r.C: class\nr.C.m: method ()",
        "r.B: class\nr.B.m: method ()\nr.C: class of r.B",
        ["new", "new"],
    ),
    "a thing moved, and its name still leads there": (
        "r.C: class\nr.C.m: method ()",
        "r.C: name of s.C\ns.C: class\ns.C.m: method ()",
        ["new", "new"],
    ),
    "a thing moved, and its name is deprecated": (
        "r.C: class\nr.C.m: method ()",
        "r.C: deprecated name of s.C\ns.C: class\ns.C.m: method ()",
        ["new", "new"],
    ),
    "a base moved, and its name still leads there": (
        "r.E: class of r.B\nr.B: class of Exception",
        "r.E: class of s.B\nr.B: name of s.B\ns.B: class of Exception",
        ["new"],
    ),
    "a base comes by way of another": (
        "r.E: class of LookupError",
        "r.E: class of r.B\nr.B: class of KeyError",
        ["new"],
    ),
    "a base is replaced by one that derives from it": ("r.E: class of LookupError", "r.E: class of KeyError", []),
    "a function becomes a class": ("r.f: function (a)", "r.f: class\nr.f.__init__: method (a)", ["look", "new"]),
    "an attribute becomes a property": ("r.C.a: attribute int", "r.C.a: property int", ["look"]),
    "a property becomes an attribute": ("r.C.a: property int", "r.C.a: attribute int", []),
    "a property can be set": ("r.C.a: property int", "r.C.a: settable property int", []),
    "a version goes up": ("r.V: constant int = 1", "r.V: constant int = 2", ["look"]),
    "a type has a further value": ("r.T: type Literal['a']", "r.T: type Literal['a', 'b']", ["look"]),
    "a parameter of a tool takes more than before": (
        'mcp t(a): parameter type="integer"',
        'mcp t(a): parameter type=["integer", "string"]',
        ["look"],
    ),
    "a config key takes more than before": (
        'config.toml a: key type="integer"',
        'config.toml a: key type="number"',
        ["look"],
    ),
    "an option is new": ("$ rekall a: command", '$ rekall a: command\n$ rekall a --x: option type="flag"', ["new"]),
    "a new command requires something": (
        "$ rekall: group",
        '$ rekall: group\n$ rekall a: command\n$ rekall a <1>: argument type="text" required=true',
        ["new", "new"],
    ),
    "an option has another name first": (
        '$ rekall a --x: option type="flag"\n$ rekall a -x: name of $ rekall a --x',
        '$ rekall a --xx: option type="flag"\n'
        "$ rekall a --x: name of $ rekall a --xx\n$ rekall a -x: name of $ rekall a --xx",
        ["new"],
    ),
    "an option left for the table of older ones": (
        '$ rekall a --x: option type="flag"',
        ROW.format(name="rekall a --x", kind="CLI option"),
        [],
    ),
    "an option accepts more": (
        '$ rekall a --x: option type="integer" lowest=2 highest=5',
        '$ rekall a --x: option type="integer" lowest=1',
        ["look", "look"],
    ),
    "an option takes any text": (
        '$ rekall a --x: option type="integer"',
        '$ rekall a --x: option type="text"',
        ["look"],
    ),
    "an option need not be given": (
        '$ rekall a --x: option type="text" required=true',
        '$ rekall a --x: option type="text"',
        ["look"],
    ),
    "a parameter of a tool takes one type more": (
        'mcp t(a): parameter type="object"',
        'mcp t(a): parameter type=["object", "string"]',
        ["look"],
    ),
    "a config key accepts more": (
        'config.toml a: key type="text" choices=["x"]',
        'config.toml a: key type="text" choices=["x", "y"]',
        ["look"],
    ),
    "a config key accepts anything": (
        'config.toml a: key type="text" choices=["x"]',
        'config.toml a: key type="text"',
        ["look"],
    ),
    "a config key has a variable": (
        'config.toml a: key type="text"',
        'config.toml a: key type="text" environment="A"',
        ["look"],
    ),
    "a name is deprecated": ("r.f: function ()", f"r.f: function ()\n{ROW.format(name='r.f', kind='function')}", []),
    "a name is deprecated no more": (
        f"r.f: function ()\n{ROW.format(name='r.f', kind='function')}",
        "r.f: function ()",
        [],
    ),
    "a removal comes later": (
        ROW.format(name="r.f", kind="function"),
        ROW.format(name="r.f", kind="function").replace("3.0", "4.0"),
        [],
    ),
}
"""What breaks nobody: the surface before and after, and the weight of each change."""
