"""A score as a tool posts it, server side (AGS 2.0 §3.4): odd in form is tolerated, a hole in meaning is not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from saas.problems import Refused
from tenants.lti.wire.ags import ActivityProgress, GradingProgress
from tenants.lti.wire.line_items import read_number, read_object
from tenants.lti.wire.moments import read_moment
from tenants.lti.wire.text import clean, identifier, shown

WordT = TypeVar("WordT", bound=StrEnum)
AHEAD = timedelta(minutes=5)
"""How far a tool's clock may run ahead; a score of next year would refuse every honest one until then."""
COMMENT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class ScoreIn:
    """``given`` None tells progress, or takes a score back. ``user_id`` is whoever the tool means, not proven."""

    user_id: str
    activity: ActivityProgress
    grading: GradingProgress
    at: datetime
    given: Decimal | None
    maximum: Decimal | None
    comment: str

    @property
    def is_done(self) -> bool:
        return self.activity in (ActivityProgress.SUBMITTED, ActivityProgress.COMPLETED)


def read_score(body: bytes, now: datetime) -> ScoreIn:
    """In the order of lti.md §1.8. `Refused` CALL_SHAPE naming the member, CALL_SCORE_FUTURE."""
    document = read_object(body)
    user_id = identifier(document.get("userId"))
    if not user_id:
        _refuse(document, "userId", "who is meant")
    activity = _word(document, "activityProgress", ActivityProgress)
    grading = _word(document, "gradingProgress", GradingProgress)
    at = read_moment(document.get("timestamp"))
    if at is None:
        _refuse(document, "timestamp", "a moment of ISO 8601, from the year 2000 on")
    if at > now + AHEAD:
        raise Refused("CALL_SCORE_FUTURE", seen=f"{at.isoformat()}", wanted=f"our clock says {now.isoformat()}")
    given, maximum = _numbers(document)
    return ScoreIn(user_id, activity, grading, at, given, maximum, _comment(document))


def _word(document: dict[str, Any], member: str, words: type[WordT]) -> WordT:
    said = document.get(member)
    if not isinstance(said, str) or said not in set(words):
        _refuse(document, member, ", ".join(words))
    return words(said)


def _numbers(document: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Both or none: a maximum alone says nothing."""
    if document.get("scoreGiven") is None:
        return None, None
    given, maximum = read_number(document["scoreGiven"]), read_number(document.get("scoreMaximum"))
    if given is None or given < 0:
        _refuse(document, "scoreGiven", "a number from 0")
    if maximum is None or maximum <= 0:
        _refuse(document, "scoreMaximum", "a number above 0")
    return given, maximum


def _comment(document: dict[str, Any]) -> str:
    said = document.get("comment")
    if isinstance(said, str) and len(said) > COMMENT_LIMIT:
        raise Refused("CALL_SHAPE", seen=f"comment: {len(said)} characters", wanted=f"at most {COMMENT_LIMIT}")
    return clean(said, COMMENT_LIMIT)


def _refuse(document: dict[str, Any], member: str, wanted: str) -> NoReturn:
    value = document.get(member)
    said = "missing" if member not in document else f"{value}" if isinstance(value, Decimal) else shown(value, 80)
    raise Refused("CALL_SHAPE", seen=f"{member}: {said}", wanted=f"{member}: {wanted}")
