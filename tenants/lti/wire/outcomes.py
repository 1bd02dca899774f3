"""Basic Outcomes as the sender of a score sees them: what an LMS's answer means, in the terms AGS answers have.

Outcomes 1.0 §3. The body decides, for some LMSs answer every request with 200 and text/html; the status counts only
where the body says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tenants.lti.wire.answers import Answer, Kind, Step, classify
from tenants.lti.wire.pox import Major, Operation, PoxAnswer, read_answer, read_score
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.xml import NotXml

_BY_STATUS = {
    401: Answer(Kind.FINAL, "OUTCOME_SIGNATURE", "The LMS does not take our signature."),
    403: Answer(Kind.FINAL, "OUTCOME_SIGNATURE", "The LMS does not take our signature."),
    404: Answer(Kind.FINAL, "OUTCOME_GONE", "The address for scores, or the link, is gone."),
    410: Answer(Kind.FINAL, "OUTCOME_GONE", "The address for scores, or the link, is gone."),
}
_ODD = "The LMS answers, but with something that is no answer to our question."


@dataclass(frozen=True, slots=True)
class _Rule:
    major: Major | None
    kind: Kind
    code: str
    cause: str
    words: tuple[str, ...] = ()

    def fits(self, description: str) -> bool:
        return not self.words or any(words in description for words in self.words)


_REFUSALS = (
    _Rule(Major.PROCESSING, Kind.RETRY, "AGS_BUSY", "The LMS is still working on it."),
    _Rule(Major.UNSUPPORTED, Kind.FINAL, "OUTCOME_UNSUPPORTED", "The LMS does not offer this."),
    _Rule(
        Major.FAILURE,
        Kind.FINAL,
        "AGS_NOT_ENROLLED",
        "The person is not enrolled in that course.",
        ("no longer in course", "not enrolled", "user not found", "cannot find user", "no such user"),
    ),
    _Rule(
        Major.FAILURE,
        Kind.RETRY,
        "OUTCOME_SIGNATURE",
        "The LMS finds our request too old, or seen before.",
        ("nonce", "timestamp"),
    ),
    _Rule(
        Major.FAILURE,
        Kind.FINAL,
        "OUTCOME_SIGNATURE",
        "The LMS does not take our signature.",
        ("signature", "oauth", "consumer key", "body hash"),
    ),
    _Rule(Major.FAILURE, Kind.FINAL, "OUTCOME_REFUSED", "The LMS does not accept what we sent."),
)
_ODD_REFUSAL = _Rule(None, Kind.RETRY, "AGS_ODD_ANSWER", _ODD)


@dataclass(frozen=True, slots=True)
class OutcomeAnswer:
    """What to do next, and for a read request the score; None is no grade, 0 is one."""

    answer: Answer
    score: Decimal | None = None


def read_outcome_answer(
    status: int | None, body: bytes, headers: Mapping[str, str], operation: Operation
) -> OutcomeAnswer:
    """What the answer to ``operation`` means; ``status`` None: none came."""
    try:
        pox = read_answer(body)
    except NotXml:
        return OutcomeAnswer(_by_status(status, body, headers))
    if pox.major == Major.SUCCESS:
        return _success(pox, operation)
    if status is not None and status >= 500 and pox.major != Major.UNSUPPORTED:
        return OutcomeAnswer(classify(status, pox.description.encode(), headers, Step.RESULTS))
    return OutcomeAnswer(_refusal(pox))


def _success(pox: PoxAnswer, operation: Operation) -> OutcomeAnswer:
    delivered = Answer(Kind.DELIVERED, "", "The LMS accepted it.")
    if operation is not Operation.READ or not pox.score:
        return OutcomeAnswer(delivered)
    score = read_score(pox.score.replace(",", "."))
    if score is None:
        return OutcomeAnswer(Answer(Kind.RETRY, "AGS_ODD_ANSWER", _ODD, excerpt(pox.score)))
    return OutcomeAnswer(delivered, score)


def _refusal(pox: PoxAnswer) -> Answer:
    said, lowered = excerpt(pox.description), pox.description.lower()
    rule = next((rule for rule in _REFUSALS if rule.major == pox.major and rule.fits(lowered)), _ODD_REFUSAL)
    return Answer(rule.kind, rule.code, rule.cause, said)


def _by_status(status: int | None, body: bytes, headers: Mapping[str, str]) -> Answer:
    if status is None or status >= 500 or 300 <= status <= 399 or status in {408, 425, 429}:
        return classify(status, body, headers, Step.RESULTS)
    said = excerpt(body)
    known = _BY_STATUS.get(status)
    if known:
        return Answer(known.kind, known.code, known.cause, said)
    if 400 <= status <= 499:
        return Answer(Kind.FINAL, "OUTCOME_REFUSED", "The LMS does not accept what we sent.", said)
    return Answer(Kind.RETRY, "AGS_ODD_ANSWER", _ODD, said)
