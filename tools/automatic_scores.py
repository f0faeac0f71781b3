"""Print how well a run finds instances by itself.

python tools/automatic_scores.py RUN [--task TASK] [--split test]

Found and true instances of a class are matched one to one within each image. mSA is the mean segmentation accuracy
(Data Science Bowl 2018), over classes and images; matches, false and missed are at IoU 0.5; PQ is the panoptic quality.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from samtailor.automatic.matching import match_image, panoptic_quality
from samtailor.automatic.merge import merge
from samtailor.automatic.tuning import accuracy, answer_image
from samtailor.data.opening import as_task
from samtailor.embeddings.encoding import encode_images
from samtailor.runs import Run
from samtailor.segment import Segmenter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--task")
    parser.add_argument("--split", default="test")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    segmenter = Segmenter(args.run, args.cache)
    finder = segmenter.finder
    task = as_task(args.task) if args.task else Run(args.run).task()
    images = task.split(args.split)
    encode_images(segmenter.model.base, images, segmenter.model.cache)
    answered = [answer_image(finder, record) for record in images]
    scores = [finder.scores(one.candidates) for one in answered]
    value = accuracy(answered, scores, finder.merging)
    print(f"{task.name}, {args.split}, {len(images)} images: mSA {value:.3f}")
    print("| class | true | matches | false | missed | PQ | mean error of the count |")
    print("|---|---|---|---|---|---|---|")
    for k, label in enumerate(finder.classes):
        matches = []
        for one, own in zip(answered, scores, strict=True):
            kept = merge([c.patch for c in one.candidates], own, one.classes, finder.merging)
            found = [one.candidates[j].patch for j in kept if one.classes[j] == k]
            matches.append(match_image(found, one.truths.get(k, [])))
        right, false, missed = np.array([match.counts(0.5) for match in matches]).sum(0)
        error = np.mean([abs(match.found - match.true) for match in matches])
        quality = panoptic_quality(matches)
        print(f"| {label} | {right + missed} | {right} | {false} | {missed} | {quality:.3f} | {error:.1f} |")


if __name__ == "__main__":
    main()
