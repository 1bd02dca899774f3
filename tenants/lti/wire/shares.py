"""What an outside tool is told about somebody, as a list of names people can read and agree to."""

from collections.abc import Iterable
from enum import StrEnum


class Share(StrEnum):
    """In the order of the page. The values are kept with the person's consent."""

    USER_ID = "user_id"
    NAME = "name"
    EMAIL = "email"
    ROLE = "role"
    COURSE = "course"
    ACTIVITY = "activity"


def shares_of(*, send_name: bool, send_email: bool) -> tuple[Share, ...]:
    """What is sent under these switches; a pseudonym, the role and the place always are."""
    withheld = {Share.NAME: not send_name, Share.EMAIL: not send_email}
    return tuple(share for share in Share if not withheld.get(share))


def has_grown(agreed: Iterable[object], wanted: Iterable[Share]) -> bool:
    """Whether something is sent now that nobody agreed to: only then is it asked again."""
    return not {share.value for share in wanted} <= set(agreed)
