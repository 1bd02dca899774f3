"""What a block may contain, checked once, here; and the learner's view of it, which never carries an answer."""

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from saas.problems import Refused
from tenants.catalog.models import Block, BlockKind

#: Numbers of questions and answers lie between 10^-15 and 10^15.
LARGEST_EXPONENT = 15


class QuestionKind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMBER = "number"


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Line = Annotated[str, Field(min_length=1, max_length=500)]


class TextBody(_Body):
    """Markdown."""

    markdown: Text


class ImageBody(_Body):
    """``alt`` says what is to be seen; it may be empty only for decoration, and the author must say so."""

    media_id: UUID
    alt: Annotated[str, Field(max_length=500)] = ""
    decorative: bool = False
    caption: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _described(self) -> "ImageBody":
        if not self.alt and not self.decorative:
            raise ValueError("Describe the picture, or mark it as decoration")
        return self


class Choice(_Body):
    text: Line
    correct: bool = False


class QuestionBody(_Body):
    """A check question. For ``number``: ``number`` is right, as is anything within ``tolerance`` of it."""

    kind: QuestionKind
    prompt: Line
    choices: tuple[Choice, ...] = ()
    number: Decimal | None = None
    tolerance: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    feedback: Annotated[str, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _answerable(self) -> "QuestionBody":
        right = sum(choice.correct for choice in self.choices)
        if self.kind is QuestionKind.NUMBER:
            if self.number is None or not _is_sane(self.number):
                raise ValueError("Enter the right number")
            if not _is_sane(self.tolerance):
                raise ValueError("Enter another tolerance")
        elif not 2 <= len(self.choices) <= 20:
            raise ValueError("Offer 2 to 20 answers")
        elif self.kind is QuestionKind.SINGLE and right != 1:
            raise ValueError("Mark exactly one answer as right")
        elif self.kind is QuestionKind.MULTIPLE and right == 0:
            raise ValueError("Mark at least one answer as right")
        return self

    def judge(self, given: list[str]) -> bool:
        """Whether the given choice numbers (or the one number typed) are exactly right."""
        if self.kind is QuestionKind.NUMBER:
            value = read_number(given[0]) if len(given) == 1 else None
            return value is not None and self.number is not None and abs(value - self.number) <= self.tolerance
        return set(given) == {str(place) for place, choice in enumerate(self.choices) if choice.correct}

    def is_answer(self, given: list[str]) -> bool:
        """Whether this could be an answer at all: something chosen that was offered, or a number."""
        if self.kind is QuestionKind.NUMBER:
            return len(given) == 1 and read_number(given[0]) is not None
        offered = {str(place) for place in range(len(self.choices))}
        return bool(given) and set(given) <= offered and (self.kind is QuestionKind.MULTIPLE or len(given) == 1)


_BODIES: dict[BlockKind, type[_Body]] = {
    BlockKind.TEXT: TextBody,
    BlockKind.IMAGE: ImageBody,
    BlockKind.QUESTION: QuestionBody,
}


def read_number(text: str) -> Decimal | None:
    """What a person typed: spaces ignored, comma or point; None when it is no number of a size people type."""
    try:
        value = Decimal(text.strip().replace(" ", "").replace(",", "."))
    except InvalidOperation:
        return None
    return value if _is_sane(value) else None


def _is_sane(number: Decimal) -> bool:
    """Finite, and short when written out: ``1e-999999999`` would be a text of a gigabyte."""
    return number.is_finite() and (not number or abs(number.adjusted()) < LARGEST_EXPONENT)


def check_body(kind: BlockKind, body: dict[str, Any]) -> dict[str, Any]:
    """The body as stored; raises `Refused` with the first thing wrong in words."""
    try:
        return _BODIES[kind].model_validate(body).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Refused(
            "BLOCK_INVALID", seen=": ".join(filter(None, (field, first["msg"].removeprefix("Value error, "))))
        ) from None


def body_of(block: Block) -> Any:
    return _BODIES[block.kind].model_validate(block.body)
