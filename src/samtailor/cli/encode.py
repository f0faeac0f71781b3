"""``samtailor encode``."""

from __future__ import annotations

from samtailor.bases.registry import DEFAULT_BASE
from samtailor.cli.options import (
    CACHE_TYPE,
    BaseOption,
    CacheOption,
    CacheTypeOption,
    DeviceOption,
    InputSizeOption,
    TaskArgument,
)
from samtailor.cli.reading import READ, ReadingOptions, with_reading

__all__ = ["encode"]


@with_reading
def encode(  # more than seven parameters: they are the options of the command
    task: TaskArgument,
    reading: ReadingOptions = READ,
    base: BaseOption = DEFAULT_BASE,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = CACHE_TYPE,
    device: DeviceOption = "auto",
    input_size: InputSizeOption = None,
) -> None:
    """Encode all images of a dataset once and keep the embeddings.

    The other commands encode what is missing. If the command is stopped, the next call continues.
    """
    from samtailor.bases.input_size import sized_name
    from samtailor.cli.opening import open_base, open_cache, open_task
    from samtailor.cli.output import make_console, print_text
    from samtailor.cli.progress import ProgressDisplay, duration
    from samtailor.encode import encode_images

    opened = open_task(task, reading)
    console, model, store = (
        make_console(),
        open_base(sized_name(base, input_size), device),
        open_cache(cache, cache_type),
    )
    images = [record for split in opened.splits.values() for record in split]
    with ProgressDisplay(console) as progress:
        report = encode_images(model, images, store, progress=progress)
    text = (
        f"{report.total} images: {report.already} in the cache, {report.encoded} encoded in {duration(report.seconds)}"
    )
    print_text(console, text + (f"; {report.rebuilt} of them replace damaged entries." if report.rebuilt else "."))
