"""``samtailor bases``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from samtailor.cli.json_output import JsonOption, console_beside, write_output

if TYPE_CHECKING:
    from samtailor.bases.families import Family
    from samtailor.cli.output import Table

__all__ = ["bases"]


def bases(json: JsonOption = None) -> None:
    """List the families of base models with their sizes and licences, and say what --base accepts."""
    from samtailor.bases.families import FAMILIES
    from samtailor.bases.registry import list_bases
    from samtailor.cli.output import print_facts, print_line, print_table, print_text

    console = console_beside(json)
    print_table(console, bases_table())
    for family in FAMILIES:
        if family.restriction:
            console.print()
            print_text(console, family.restriction)
    console.print()
    print_line(console, "What --base accepts:")
    print_facts(console, list(list_bases().items()))
    console.print()
    print_line(console, "For example:")
    print_facts(console, [(family.title, _examples(family)) for family in FAMILIES])
    write_output(json, {"families": [_as_json(family) for family in FAMILIES]}, console)


def bases_table() -> Table:
    """Build the table of families and sizes."""
    from samtailor.bases.families import FAMILIES
    from samtailor.cli.output import Row, Table

    rows = [
        Row((f.title, size, f"{millions:.1f} M", f"{4 * millions / 1000:.2f} GB", str(f.input_size), f.licence))
        for f in FAMILIES
        for size, millions in f.sizes.items()
    ]
    legend = (
        "memory: of the weights in float32; encoding an image takes more. input: side of the square that the encoder "
        "sees, pixels.",
        "All of them take clicks, boxes and mask prompts, and every method. The fast decoder saves time for all but "
        "HQ-SAM; --reference-decoder computes masks in the order of transformers.",
    )
    headings = ("family", "size", "parameters", "memory", "input", "licence")
    return Table("Families of base models", headings, rows, legend, names=2)


def _examples(family: Family) -> str:
    files = "" if family.takes_files else "; not the file that its authors published"
    return ", ".join(family.examples) + files


def _as_json(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "title": family.title,
        "sizes": [{"name": name, "parameters": round(1e6 * millions)} for name, millions in family.sizes.items()],
        "input_size": family.input_size,
        "licence": family.licence,
        "restriction": family.restriction or None,
        "examples": list(family.examples),
        "takes_published_files": family.takes_files,
        "model_types": list(family.kinds),
    }
