"""What somebody answered, for whoever may look at it: each question of an attempt, the answer, and the right one."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenants.catalog.blocks import QuestionBody, QuestionKind, body_of
from tenants.learning.services import Outline


@dataclass(frozen=True, slots=True)
class Answered:
    """``correct`` None: not answered yet. Texts are those of the question as it is now."""

    chapter: str
    prompt: str
    given: Sequence[str]
    right: Sequence[str]
    correct: bool | None


def answers_of(outline: Outline) -> Sequence[Answered]:
    """In the order of the activity."""
    found = []
    for chapter in outline.chapters:
        for block in chapter.blocks:
            if block not in outline.questions:
                continue
            body, answer = body_of(block), outline.answers.get(block.id)
            given = _texts(body, answer.given) if answer else ()
            found.append(Answered(chapter.title, body.prompt, given, _right(body), answer.correct if answer else None))
    return found


def _texts(question: QuestionBody, given: Sequence[str]) -> Sequence[str]:
    """A choice that was dropped since is shown by its number."""
    if question.kind is QuestionKind.NUMBER:
        return given
    texts = {str(place): choice.text for place, choice in enumerate(question.choices)}
    return [texts.get(place, f"#{place}") for place in given]


def _right(question: QuestionBody) -> Sequence[str]:
    if question.kind is QuestionKind.NUMBER:
        return [format(question.number, "f")] if question.number is not None else []
    return [choice.text for choice in question.choices if choice.correct]
