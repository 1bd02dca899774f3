"""What the operator sets for Zoom."""

from pydantic import Field

from saas.settings import Section


class ZoomSettings(Section):
    ltipro_url: str = Field(
        "https://applications.zoom.us",
        description="where Zoom LTI Pro is; another address for a practice Zoom, without a slash at the end",
    )
