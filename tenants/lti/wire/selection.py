"""What a teacher picked here for a course over there, and what their LMS lets them pick: for either LTI."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from saas.problems import Refused
from tenants.lti.wire.text import clean, split_url

TITLE_LIMIT = 255
TEXT_LIMIT = 2000
MESSAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Picked:
    """One activity. ``maximum`` None asks for no grade column; ``resource_id`` is ours and finds the column again."""

    url: str
    title: str
    text: str = ""
    maximum: Decimal | None = None
    resource_id: str = ""
    tag: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    icon: str = ""
    new_window: bool = False

    @property
    def shown_title(self) -> str:
        return clean(self.title, TITLE_LIMIT)

    @property
    def shown_text(self) -> str:
        return clean(self.text, TEXT_LIMIT)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the LMS accepts. ``data`` is its own and goes back byte for byte; None if it sent none."""

    return_url: str
    several: bool
    grade_columns: bool
    targets: tuple[str, ...]
    title: str = ""
    text: str = ""
    data: str | None = field(default=None, repr=False)

    def new_window(self, item: Picked) -> bool:
        """Whether the link asks for a window: as wished, but only in a way the LMS accepts."""
        return (item.new_window or "iframe" not in self.targets) and "window" in self.targets


def check_count(offer: Offer, items: Sequence[Picked]) -> None:
    """`Refused` LTI_PICK_SINGLE: several where one is taken would lose all but one, or everything."""
    if len(items) > 1 and not offer.several:
        raise Refused("LTI_PICK_SINGLE", seen=f"{len(items)} activities", wanted="one")


def truth(value: object) -> bool:
    """A truth value as sent: JSON's, or the word; anything else, and nothing at all, is no."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def return_fault(url: str, platform_urls: Collection[str]) -> str:
    """Why an answer is not sent to ``url``, in words; empty if it may be. An LMS on https takes nothing by http."""
    target = split_url(url) if url else None
    if target is None:
        return "no address of the web"
    schemes = {parts.scheme for one in platform_urls if one and (parts := split_url(one))}
    return "http, though the LMS is on https" if target.scheme == "http" and "https" in schemes else ""


def dropped(document: Mapping[str, object]) -> dict[str, object]:
    """Without what is empty: an empty object where an LMS expects none breaks its import."""
    return {name: value for name, value in document.items() if value not in (None, "", {}, [])}
