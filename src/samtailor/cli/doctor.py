"""``samtailor doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from samtailor.bases.registry import DEFAULT_BASE
from samtailor.cli.exit_codes import ExitCode
from samtailor.cli.json_output import JsonOption, console_beside, write_output
from samtailor.cli.options import CacheOption, DeviceOption

if TYPE_CHECKING:
    from samtailor.cli.output import Table
    from samtailor.doctor import Checkup
    from samtailor.machine.survey import MachineFacts

__all__ = ["doctor"]


def doctor(
    base: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Check this base; repeat the option for several. `samtailor fit --help` says what it may be.",
            show_default=DEFAULT_BASE,
        ),
    ] = None,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="Number of images to plan for.")] = 1000,
    json: JsonOption = None,
    cache: CacheOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Say what this machine has, whether a base fits into its memory, and how long images take.

    The time is measured on one image. The exit code is 1 if a base cannot be used.
    """
    from samtailor.cli.output import print_facts, print_line, print_table, print_text
    from samtailor.doctor import LOADING, check_machine
    from samtailor.machine.memory import keep_freed_memory

    keep_freed_memory()
    checkup, console = check_machine(base or [DEFAULT_BASE], device=device, cache=cache), console_beside(json)
    print_line(console, "This machine")
    print_facts(console, facts_of(checkup.machine))
    print_table(console, table_of(checkup, images))
    if checkup.found:
        console.print()
        print_text(console, "Found too, not checked; --base PATH checks one:")
        for name, size in checkup.found:
            fits = "" if LOADING * size < checkup.machine.free_memory else ", too large for the free memory"
            print_line(console, f"  {name}  ({_gb(size)}{fits})")
    for check in checkup.bases:
        if check.problem:
            print_text(console, f"{check.name}: {check.problem}", style="bold yellow", styled=check.name)
    write_output(json, checkup.to_dict(), console)
    if any(check.problem for check in checkup.bases):
        raise typer.Exit(ExitCode.INCOMPLETE)


def facts_of(machine: MachineFacts) -> list[tuple[str, str]]:
    """Lines about the machine."""
    gpus = [
        a.name if a.total is None else f"{a.name}, {_gb(a.free or 0)} of {_gb(a.total)} free"
        for a in machine.accelerators
    ]
    absent = [name for name, missing in machine.extras.items() if missing]
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return [
        ("processor", f"{machine.hardware['processor']}, {machine.hardware['cores']} cores"),
        ("system", machine.hardware["system"]),
        ("memory", f"{_gb(machine.free_memory)} of {_gb(machine.memory)} free"),
        ("GPU", "; ".join(gpus) or "none that torch can use"),
        ("disk", f"{_gb(machine.free_disk)} free for the embeddings in {machine.disk}"),
        ("versions", versions),
        ("extras", f"not installed: {', '.join(absent)}" if absent else "all installed"),
    ]


def table_of(checkup: Checkup, images: int) -> Table:
    """One line per base."""
    from samtailor.cli.output import Row, Table
    from samtailor.machine.display import duration

    rows = []
    for check in checkup.bases:
        if check.problem or check.seconds is None or check.disk is None:
            rows.append(Row((check.name, "no", *[""] * 5)))
            continue
        fits = "yes" if check.disk * images < checkup.machine.free_disk else "disk too small"
        rows.append(
            Row(
                (
                    check.name,
                    fits,
                    f"{(check.parameters or 0) / 1e6:.1f} M",
                    _gb(check.memory or 0),
                    f"{check.seconds:.2f} s",
                    duration(check.seconds * images),
                    _gb(check.disk * images),
                )
            )
        )
    devices = ", ".join(dict.fromkeys(check.device for check in checkup.bases))
    legend = (
        f"memory: for the base and one image; image: time to encode one image of 1024 x 768 pixels on {devices}; "
        f"time, disk: for the embeddings of {images:,} images, which are computed once.",
    )
    return Table("Bases", ("base", "fits", "parameters", "memory", "image", "time", "disk"), rows, legend)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
