"""The table of settings in docs/operating.md, made from saas/settings.py and those of features: ``python -m tests.manual`` writes it anew."""

from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from saas.settings import ENVIRONMENT_PREFIX, PREFIX, Section, Settings
from tenants.calendar.settings import CalendarSettings
from tenants.zoom.settings import ZoomSettings

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "operating.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->\n"


#: Sections that features claim.
FEATURES: dict[str, type[Section]] = {"calendar": CalendarSettings, "zoom": ZoomSettings}


def sections() -> Iterator[tuple[str, type[Section]]]:
    for name, field in Settings.model_fields.items():
        part = field.annotation
        assert isinstance(part, type)
        assert issubclass(part, Section)
        yield name, part
    yield from FEATURES.items()


def rows() -> Iterator[str]:
    yield "| key | environment | default | meaning |"
    yield "|---|---|---|---|"
    for section, part in sections():
        for name, field in part.model_fields.items():
            variable = f"{ENVIRONMENT_PREFIX}{section}_{name}".upper()
            yield f"| `{PREFIX}{section}.{name}` | `{variable}` | {_shown(field)} | {field.description} |"


def _shown(field: FieldInfo) -> str:
    value = field.default
    text = " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else value
    return f"`{text}`" if text != "" else ""


def written() -> str:
    """What the manual says."""
    return MANUAL.read_text().partition(BEGIN)[2].partition(END)[0]


def wanted() -> str:
    return "".join(f"{row}\n" for row in rows())


if __name__ == "__main__":
    before, _, rest = MANUAL.read_text().partition(BEGIN)
    MANUAL.write_text(before + BEGIN + wanted() + END + rest.partition(END)[2])
