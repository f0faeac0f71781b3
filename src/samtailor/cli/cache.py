"""``samtailor cache``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from samtailor.cli.options import CacheOption

if TYPE_CHECKING:
    from samtailor.cli.output import Table
    from samtailor.embeddings.cache import BaseStats

__all__ = ["cache"]


def cache(
    cache: CacheOption = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove embeddings; the options below say which.")] = False,
    max_gb: Annotated[
        float | None,
        typer.Option(metavar="X", help="Remove the least recently used embeddings until at most X gigabytes are left."),
    ] = None,
    older_than_days: Annotated[
        float | None, typer.Option(metavar="X", help="Remove embeddings that were not used for X days.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Remove only embeddings of this base: its name, or the start of its fingerprint."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all embeddings.")] = False,
) -> None:
    """Show the size of the embedding cache by base, or remove embeddings."""
    from samtailor.cli.output import make_console, print_line, print_table
    from samtailor.embeddings.cache import EmbeddingCache

    if prune and base is not None and max_gb is None and older_than_days is None:
        everything = True
    if prune and not everything and max_gb is None and older_than_days is None:
        raise typer.BadParameter("add --max-gb, --older-than-days, --base or --all", param_hint="--prune")
    for option, value in (("--max-gb", max_gb), ("--older-than-days", older_than_days)):
        if value is not None and not 0 <= value < math.inf:
            raise typer.BadParameter(f"{value} is not a number of 0 or more", param_hint=option)
    console, store = make_console(), EmbeddingCache(cache)
    if prune:
        max_bytes = None if max_gb is None else int(max_gb * 1e9)
        removed, size = store.prune(
            max_bytes=max_bytes, older_than_days=older_than_days, base=base, everything=everything
        )
        print_line(console, f"Removed {removed} entries, {size / 1e6:.1f} MB.")
    print_line(console, f"Embedding cache in {store.root}")
    stats = store.stats()
    if stats:
        print_table(console, cache_table(stats))
    else:
        print_line(console, "The cache is empty.")


def cache_table(stats: Sequence[BaseStats]) -> Table:
    """One row per base and number type."""
    from samtailor.cli.output import Row, Table

    rows = []
    for entry in stats:
        size = f"{entry['bytes'] / 1e6:.1f}"
        rows.append(Row((entry["base"], entry["fingerprint"][:16], entry["dtype"], str(entry["entries"]), size)))
    return Table("", ("base", "fingerprint", "type", "images", "MB"), rows, names=3)
