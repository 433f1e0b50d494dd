"""`embeddings`: the vectors of entries, by which a search by meaning finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_at, require_base, settings
from rekall.cli.options import JsonOutput
from rekall.cli.progress import progress
from rekall.errors import EmbeddingModelUnavailableError, RekallError

if TYPE_CHECKING:
    from rekall.config import Config
    from rekall.db import Database
    from rekall.embeddings import Embedder

_GO_ON = "'rekall embeddings --migrate' goes on"


def embeddings(
    ctx: typer.Context,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Compute the vectors that are missing, outdated or of another model.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", "-s", help="Tell of the model and of the vectors; what is done without options.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-l", help="Entries that --migrate embeds at most; a negative number is no limit.")
    ] = 100,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the model over the network first, which nothing else does.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Say which entries can be found by meaning, or compute their vectors.

    Vectors are stored some entries at a time: what an interrupted --migrate has done is kept, and the next one goes
    on. [smart_embeddings] in config.toml names the model; enabled = true makes searches use it.
    """
    from rekall.embeddings import embedder_for

    config = settings(ctx)
    embedder = embedder_for(config)
    answer: dict[str, Any] = {}
    if download:
        embedder.download()
        answer["downloaded"] = embedder.name
        if not json_output:
            output.write(f"The model {embedder.name} is on this machine.")
    if migrate or status or not download:
        require_base(config)
        with open_at(config) as base:
            if migrate:
                answer |= _migrate(base, config, embedder, limit, quiet=json_output)
            if status or json_output or not migrate:
                answer |= _status(base, config, embedder)
    if json_output:
        output.write_json(answer)
    elif "entries" in answer:
        _write_status(answer)


def _migrate(base: Database, config: Config, embedder: Embedder, limit: int, *, quiet: bool) -> dict[str, Any]:
    """Embed what is to be embedded, and tell what is left."""
    from rekall.embeddings import count_to_embed, embed_entries
    from rekall.embeddings.readiness import obstacle

    def left() -> int:
        return count_to_embed(base, embedder.name, embedder.dimensions)

    if left():
        if problem := obstacle(embedder):
            raise EmbeddingModelUnavailableError(problem)
        embedder.load()
    done = 0

    def note(embedded: int, total: int) -> None:
        nonlocal done
        done = embedded
        advance(embedded, total)

    with progress("Embedding entries") as advance:
        try:
            done = embed_entries(base, embedder, limit if limit >= 0 else None, note)
        except KeyboardInterrupt:
            kept = f"{output.counted(done, 'entry')} embedded and kept, {left()} left"
            output.tell(f"{kept}: {_GO_ON}")
            raise
        except RekallError:
            if done:
                output.tell(f"{output.counted(done, 'entry')} embedded and kept")
            raise
    remaining = left()
    if not quiet:
        rest = f", {remaining} left: {_GO_ON}, --limit -1 to the end" if remaining else ""
        nothing = "Nothing to embed: every active entry has its vectors."
        output.write(f"Embedded {output.counted(done, 'entry')}{rest}." if done or remaining else nothing)
    if not config.smart_embeddings_enabled:
        from rekall.embeddings.readiness import off

        output.tell(off())
    return {"embedded": done, "left": remaining}


def _status(base: Database, config: Config, embedder: Embedder) -> dict[str, Any]:
    from rekall.embeddings import count_to_embed, state_of
    from rekall.embeddings.readiness import obstacle

    state = state_of(base, embedder.name, embedder.dimensions)
    problem = obstacle(embedder)
    return {
        "model": state.model,
        "dimensions": state.dimensions,
        "enabled": config.smart_embeddings_enabled,
        "available": problem is None,
        "problem": problem,
        "entries": {
            "active": state.entries,
            "current": state.embedded - state.outdated,
            "outdated": state.outdated,
            "of_other_models": state.of_other_models,
            "without": state.missing,
        },
        "other_models": [
            {"model": group.model, "dimensions": group.dimensions, "entries": group.entries} for group in state.others
        ],
        "to_embed": count_to_embed(base, state.model, state.dimensions),
    }


def _write_status(answer: dict[str, Any]) -> None:
    entries = answer["entries"]
    others = [f"{one['entries']} of {one['model']}, {one['dimensions']} numbers" for one in answer["other_models"]]
    rows = [
        ("Model", f"{answer['model']}, {answer['dimensions']} numbers"),
        ("Available", "yes" if answer["available"] else f"no: {answer['problem']}"),
        ("Enabled", "yes" if answer["enabled"] else "no: searches are by words (enabled under [smart_embeddings])"),
        ("Entries", f"{entries['active']} active"),
        ("Current", f"{entries['current']} with a vector of this model"),
        ("Outdated", f"{entries['outdated']} changed since they were embedded"),
        ("Other", "; ".join(others) or "0 with a vector of another model or length"),
        ("Without", f"{entries['without']} without a vector"),
        ("To embed", f"{answer['to_embed']}" + (": 'rekall embeddings --migrate'" if answer["to_embed"] else "")),
    ]
    if output.is_terminal():
        output.console().print(output.grid((output.plain(label, "dim"), output.plain(value)) for label, value in rows))
        return
    for label, value in rows:
        output.write_row(label, value)
