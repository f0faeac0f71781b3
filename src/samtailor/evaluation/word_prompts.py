"""What is scored if the prompts of an evaluation have words, and whether they can be asked at all."""

from __future__ import annotations

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.task import Task
from samtailor.data.unions import with_unions
from samtailor.errors import PromptError
from samtailor.evaluation.questions import Questions
from samtailor.machine.progress import Note, Progress
from samtailor.machine.text import plain_name
from samtailor.prompts import WORD_KINDS

__all__ = ["check_words_asked", "note_unknown_names", "scored_task", "words_of"]


def check_words_asked(model: AdaptedModel, questions: Questions) -> None:
    """Check that a model can be evaluated with the words that the questions ask for, if they do.

    Raises:
        PromptError: the model reads no words, there is a class map, or a wrong word is asked for and it knows but one.
    """
    if questions.prompts not in WORD_KINDS:
        return
    model.check_reads_words()
    if questions.class_map:
        raise PromptError(
            f"Prompts of kind {questions.prompts!r} and a class map were given: the words would be names of the map.",
            "Leave the class map out, or give classes of the dataset the names that the adapter was fitted with.",
        )
    if questions.prompts == "wrong word+click" and len(set(map(plain_name, words_of(model)))) < 2:
        raise PromptError(
            f"The adapter was fitted with the words {list(words_of(model))}; a wrong word needs two or more.",
            "Evaluate with word or word+click instead.",
        )


def words_of(model: AdaptedModel) -> tuple[str, ...]:
    """Return the vocabulary of a model; empty if it reads no words."""
    return () if model.adapter is None else model.adapter.vocabulary


def note_unknown_names(model: AdaptedModel, task: Task, questions: Questions, progress: Progress) -> None:
    """Send a note that names the classes whose words the adapter was not fitted with."""
    if questions.prompts not in WORD_KINDS:
        return
    known = set(map(plain_name, words_of(model)))
    labels = {i.label for record in task.split(questions.split) for i in record.promptable}
    if unknown := sorted(label for label in labels if plain_name(label) not in known):
        names = ", ".join(map(repr, unknown[:9])) + (" and more" if len(unknown) > 9 else "")
        progress(Note(f"The adapter was not fitted with the words {names}; it guesses from their letters."))


def scored_task(task: Task, questions: Questions) -> Task:
    """Return the task whose instances are scored: with words alone, all objects of a class in an image are one."""
    return with_unions(task, questions.split) if questions.prompts == "word" else task
