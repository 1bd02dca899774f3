"""What the operator sets for Zoom."""

from pydantic import Field

from saas.settings import Rate, Section


class ZoomSettings(Section):
    ltipro_url: str = Field(
        "https://applications.zoom.us",
        description="where Zoom LTI Pro is; another address for a practice Zoom, without a slash at the end",
    )
    calls: Rate = Field(
        "1200/minute",
        description="calendar calls from one address to one academy, and with one token; each process counts by itself",
    )
