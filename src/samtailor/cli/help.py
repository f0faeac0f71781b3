"""How ``--help`` is laid out: options under headings, with their default values. The same in every version of typer."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

__all__ = ["COMPUTING", "READING", "Command"]

READING, COMPUTING = "Reading the dataset", "Computing"
"""Headings that several commands share."""


class Command(TyperCommand):
    """A command whose help lists arguments, then options by heading (``rich_help_panel``)."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse the words of the command; an option with the metavar [FILE] may stand without its file.

        Without a file its value is ``-``. A word after it is its file only if the command has no other use for it.
        """
        for option in [p.opts[0] for p in self.params if p.metavar == "[FILE]" and p.opts[0] in args]:
            place = args.index(option)
            alone = [*args[:place], f"{option}=-", *args[place + 1 :]]
            following = args[place + 1 : place + 2]
            superfluous = self.make_parser(ctx).parse_args(list(alone))[1]
            is_file = following == ["-"] or (superfluous and following and not following[0].startswith("-"))
            args = [*args[:place], f"{option}={following[0]}", *args[place + 2 :]] if is_file else alone
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words after the command's name in its usage line."""
        return ["[OPTIONS]", *(_metavar(p) for p in self.params if p.param_type_name == "argument")]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            heading = getattr(parameter, "rich_help_panel", None)
            if parameter.param_type_name == "argument":
                sections["Arguments"].append((_metavar(parameter), parameter.help or ""))  # type: ignore[attr-defined]
            else:
                sections.setdefault(heading or "Options", []).append(_record(parameter))
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records, col_max=26)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the methods, if this is the command that takes one."""
        if any(parameter.name == "method" for parameter in self.params):
            from samtailor.adapters.methods import METHODS

            with formatter.section("Methods"):
                formatter.write_dl([(name, method.description) for name, method in METHODS.items()])


def _metavar(parameter: Any) -> str:
    name = parameter.metavar or str(parameter.name).upper()
    return f"{name}..." if parameter.nargs != 1 and parameter.param_type_name == "argument" else name


def _record(option: Any) -> tuple[str, str]:
    names = ", ".join(sorted((*option.opts, *option.secondary_opts), key=len))
    left = names if option.is_flag else f"{names} {_metavar(option)}"
    notes = []
    if option.required:
        notes.append("required")
    elif isinstance(option.show_default, str):
        notes.append(f"default: {option.show_default}")
    elif option.show_default and not option.is_flag and option.default is not None:
        notes.append(f"default: {option.default}")
    if option.multiple:
        notes.append("may be repeated")
    note = f"  [{'; '.join(notes)}]" if notes else ""
    return left, f"{option.help or ''}{note}"
