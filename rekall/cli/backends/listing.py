"""`rekall backends`: which back ends there are, and with --check whether those that are selected work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.failures import FAILED
from rekall.cli.opening import flags, settings
from rekall.cli.options import JsonOutput

# help and completion need none of it
if TYPE_CHECKING:
    from rich.text import Text

    from rekall.cli.backends.checking import Checked
    from rekall.infra.available import Available


def backends(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Connect those that are selected, and send a value there and back.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, max=3600, metavar="SECONDS", help="How long one may take.")
    ] = 10.0,
    json_output: JsonOutput = False,
) -> None:
    """List the back ends there are, or try those that are selected.

    A back end that a distribution brings is imported, and with --check used, in a process of its own. Nothing stays of
    what is tried. REKALL_DATABASE_BACKEND and REKALL_CACHE_BACKEND select one for one command.
    """
    if ctx.invoked_subcommand is not None:
        return
    config = settings(ctx)
    if check:
        from rekall.cli.backends.checking import check as try_one

        checked = [try_one(kind, config, flags(ctx), timeout=timeout) for kind in ("database", "cache")]
        _write_checks(checked, json_output=json_output)
        if any(one.problem is not None for one in checked):
            raise typer.Exit(FAILED)
        return
    from rekall.infra import ServiceContainer
    from rekall.infra.available import available

    found, unreadable = available(config, ServiceContainer.get_instance().registered, timeout=timeout)
    _write_list(found, json_output=json_output, unreadable=unreadable)


def _write_list(found: Sequence[Available], unreadable: Sequence[str], *, json_output: bool) -> None:
    if json_output:
        rows = [
            {
                "kind": one.kind,
                "name": one.name,
                "origin": one.origin,
                "distribution": one.distribution or None,
                "version": one.version or None,
                "interface_version": one.interface,
                "selected": one.setting is not None,
                "setting": one.setting,
                "loads": one.problem is None,
                "problem": _safe(one.problem),
                "clash": one.clash,
                "notes": list(one.notes),
            }
            for one in found
        ]
        output.write_json({"backends": rows, "unreadable": list(unreadable)})
        return
    if output.is_terminal():
        _draw_list(found)
    else:
        for one in found:
            interface = "" if one.interface is None else str(one.interface)
            selected = "" if one.setting is None else f"selected ({one.setting})"
            output.write_row(one.kind, one.name, _origin(one), interface, selected, *_states(one))
    for line in unreadable:
        output.tell(f"warning: {line}")


def _draw_list(found: Sequence[Available]) -> None:
    console = output.console()
    for kind in dict.fromkeys(one.kind for one in found):
        table = output.table(
            ("Name", "From", "Interface", "State"), title=f"{kind.capitalize()} back ends", widest="State"
        )
        for one in found:
            if one.kind == kind:
                interface = "" if one.interface is None else str(one.interface)
                table.add_row(*map(output.plain, (one.name, _origin(one), interface)), _state(one))
        console.print(table)


def _origin(one: Available) -> str:
    return (
        f"{one.distribution} {one.version}" if one.distribution else {"registered": "this process"}.get(one.origin, "")
    )


def _states(one: Available) -> Iterable[str]:
    """Whether it loads, whether its name selects it, and what is remarkable besides."""
    yield "loads" if one.problem is None else f"does not load: {_safe(one.problem)}"
    if one.clash is not None:
        yield f"cannot be selected: {one.clash}"
    yield from one.notes


def _state(one: Available) -> Text:
    text = output.plain("" if one.setting is None else f"selected ({one.setting}); ", "bold")
    style = "red" if one.problem else "yellow" if one.clash or one.notes else "not bold"
    return text.append(output.one_line("; ".join(_states(one))), style=style)


def _write_checks(checked: Sequence[Checked], *, json_output: bool) -> None:
    if json_output:
        rows = [
            {
                "kind": one.kind,
                "name": one.name,
                "ok": one.problem is None,
                "problem": _safe(one.problem),
                "connect_ms": one.connected,
                "round_trip_ms": one.round_trip,
                "warnings": list(one.warnings),
                "notes": list(one.notes),
            }
            for one in checked
        ]
        output.write_json({"ok": all(one.problem is None for one in checked), "checks": rows})
    elif output.is_terminal():
        output.console().print(output.grid(map(_cells, checked)))
    else:
        for one in checked:
            output.write_row("ok" if one.problem is None else "failure", one.kind, one.name, *_findings(one))


def _cells(one: Checked) -> Sequence[Text]:
    sign = output.plain("✓", "green") if one.problem is None else output.plain("✗", "bold red")
    return sign, output.plain(one.kind), output.plain(one.name), output.plain("; ".join(_findings(one)))


def _findings(one: Checked) -> Iterable[str]:
    if one.problem is not None:
        yield _safe(one.problem) or ""
    if one.connected is not None:
        yield f"connected in {one.connected:.1f} ms"
    if one.round_trip is not None:
        yield f"round trip in {one.round_trip:.1f} ms"
    yield from (*one.notes, *one.warnings)


def _safe(text: str | None) -> str | None:
    """The words of another author without the passwords that they may hold."""
    from rekall.hiding import hide_passwords

    return None if text is None else hide_passwords(text)
