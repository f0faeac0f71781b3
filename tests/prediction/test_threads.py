"""One predictor in several threads, asyncio tasks and processes."""

from __future__ import annotations

import asyncio
import copy
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from samtailor import Predictor
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import ForkError, ImageError, PromptError

THREADS = 4
Job = tuple[int, dict[str, object]]


def jobs(count: int) -> list[Job]:
    """Images and prompts: one or two clicks, with and without alternatives and the adapter."""
    rng = np.random.default_rng(0)
    return [
        (
            n % THREADS,
            {"points": rng.uniform(2, 46, (1 + n % 2, 2)), "multimask": n % 3 == 0, "adapted": n % 4 != 0},
        )
        for n in range(count)
    ]


@pytest.fixture
def predictor(tiny_sam: Base, moved_plm: PLM, cache: EmbeddingCache) -> Predictor:
    return Predictor(tiny_sam, moved_plm, cache)


@pytest.fixture
def images(shapes: Task) -> list[object]:
    return [record.path for record in shapes.split("train")[:THREADS]]


def content(prediction: object) -> bytes:
    return b"".join(getattr(prediction, name).tobytes() for name in ("masks", "iou", "logits"))


def alone(predictor: Predictor, images: list[object], work: list[Job]) -> list[bytes]:
    return [content(predictor.predict(**prompt, image=predictor.prepare(images[i]))) for i, prompt in work]


@pytest.mark.parametrize("pause", [0.0, 0.005])
def test_threads_that_share_a_predictor_get_the_masks_of_their_own_image(
    predictor: Predictor, images: list[object], pause: float
) -> None:
    work = jobs(80)
    expected = alone(predictor, images, work)

    def two_calls(job: Job) -> bytes:
        predictor.set_image(images[job[0]])
        time.sleep(pause)
        return content(predictor.predict(**job[1]))

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(two_calls, work)) == expected


def test_handles_are_independent_of_the_current_image_and_of_the_thread(
    predictor: Predictor, images: list[object]
) -> None:
    work = jobs(40)
    expected = alone(predictor, images, work)
    predictor.set_image(images[0])
    handles = [predictor.prepare(image) for image in images]
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda job: content(predictor.predict(**job[1], image=handles[job[0]])), work)
        assert list(found) == expected
    assert content(predictor.predict(points=[[9, 9]])) == content(
        predictor.predict(points=[[9, 9]], image=handles[0])
    ), "prepare must not change the current image"


def test_an_image_set_where_the_predictor_was_made_serves_all_threads(
    predictor: Predictor, images: list[object]
) -> None:
    predictor.set_image(images[1])
    prompts = [prompt for _, prompt in jobs(12)]
    expected = [content(predictor.predict(**prompt)) for prompt in prompts]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda prompt: content(predictor.predict(**prompt)), prompts)) == expected


def in_thread(function: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_a_thread_without_an_image_gets_an_error_if_other_threads_set_theirs(
    predictor: Predictor, images: list[object]
) -> None:
    predictor.set_image(images[0])
    in_thread(lambda: predictor.set_image(images[1]))
    with pytest.raises(PromptError, match=r"in this thread.*prepare"):
        in_thread(lambda: predictor.predict(points=[[9, 9]]))
    own = content(predictor.predict(points=[[9, 9]]))
    assert own == content(predictor.predict(points=[[9, 9]], image=images[0]))


def test_a_failed_image_in_a_thread_does_not_fall_back_to_another(predictor: Predictor, images: list[object]) -> None:
    predictor.set_image(images[0])

    def failing() -> None:
        with pytest.raises(ImageError):
            predictor.set_image("absent.png")
        predictor.predict(points=[[9, 9]])

    with pytest.raises(PromptError, match="No image is set"):
        in_thread(failing)


def test_asyncio_tasks_keep_their_own_image(predictor: Predictor, images: list[object]) -> None:
    work = jobs(12)
    expected = alone(predictor, images, work)

    async def request(job: Job) -> bytes:
        predictor.set_image(images[job[0]])
        await asyncio.sleep(0.002)
        return content(await asyncio.to_thread(predictor.predict, **job[1]))

    async def all_requests() -> list[bytes]:
        return await asyncio.gather(*map(request, work))

    assert asyncio.run(all_requests()) == expected


def test_an_asyncio_task_whose_image_was_set_in_a_lost_context_gets_an_error_and_no_other_image(
    predictor: Predictor, images: list[object]
) -> None:
    async def request(image: object) -> None:
        await asyncio.to_thread(predictor.set_image, image)
        await asyncio.sleep(0.002)
        with pytest.raises(PromptError, match="prepare"):
            await asyncio.to_thread(predictor.predict, points=[[9, 9]])

    async def all_requests() -> None:
        await asyncio.gather(*map(request, images))

    asyncio.run(all_requests())


def test_two_predictors_have_their_own_images_and_a_copy_has_none(
    tiny_sam: Base, cache: EmbeddingCache, images: list[object]
) -> None:
    first, second = Predictor(tiny_sam, None, cache), Predictor(tiny_sam, None, cache)
    first.set_image(images[0])
    second.set_image(images[1])
    for predictor, image in ((first, images[0]), (second, images[1])):
        expected = content(predictor.predict(points=[[9, 9]], image=image))
        assert content(predictor.predict(points=[[9, 9]])) == expected
    assert copy.deepcopy(first._current).get() is None


def test_a_handle_of_another_base_raises_an_error(
    predictor: Predictor, mobile_sam: Base, cache: EmbeddingCache, images: list[object]
) -> None:
    handle = Predictor(mobile_sam, None, cache).prepare(images[0])
    with pytest.raises(PromptError, match="another base"):
        predictor.predict(points=[[9, 9]], image=handle)


FORKED = """
import multiprocessing, sys
import numpy as np
from samtailor import Predictor
from samtailor.errors import ForkError
folder, cache, way = sys.argv[1:]
image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)

def work(way):
    try:
        if way == "new":
            made = Predictor(folder)
        else:
            made = predictor
        return float(made.predict(points=[[9, 9]], image=image).logits.sum())
    except ForkError as error:
        return str(error)

if way == "early":
    with multiprocessing.get_context("fork").Pool(1) as pool:  # before the parent computes
        predictor = None
        print(pool.apply(work, ("new",)))
else:
    predictor = Predictor(folder)
    expected = float(predictor.predict(points=[[9, 9]], image=image).logits.sum())
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(expected, pool.apply(work, (way,)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("way", "threads"), [("used", 2), ("new", 2), ("used", 1), ("early", 2)])
def test_a_forked_process_says_to_spawn_instead_of_hanging(
    way: str, threads: int, tiny_sam_folder: object, tmp_path: object
) -> None:
    """On one thread, and before the parent computed, forking works."""
    env = os.environ | {"OMP_NUM_THREADS": str(threads), "SAMTAILOR_CACHE": str(tmp_path)}
    words = [sys.executable, "-c", FORKED, str(tiny_sam_folder), str(tmp_path), way]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    if way == "early":
        float(done.stdout)
    elif threads == 1:
        expected, found = done.stdout.split()
        assert expected == found
    else:
        assert "spawn" in done.stdout


def test_the_error_of_a_fork_passes_between_processes() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(ForkError("What.", "Hint.")))
    assert isinstance(error, ForkError) and str(error) == "What. Hint."


def test_predicting_does_not_need_the_main_thread(predictor: Predictor, images: list[object]) -> None:
    """A predictor that a worker made and used is not affected by the main thread."""
    made: list[bytes] = []

    def worker() -> None:
        predictor.set_image(images[2])
        made.append(content(predictor.predict(points=[[9, 9]])))

    thread = threading.Thread(target=worker)
    thread.start()
    thread.join()
    assert made == [content(predictor.predict(points=[[9, 9]], image=images[2]))]
