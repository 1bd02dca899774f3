"""The addresses of both sides. Zoom derives ours from the site's address as it knows them from Moodle."""

from dataclasses import dataclass

from saas.tenancy.resolve import Academy

AUTH_PATH = "/mod/lti/auth.php"
TOKEN_PATH = "/mod/lti/token.php"  # noqa: S105 -- an address
CERTS_PATH = "/mod/lti/certs.php"
REST_PATH = "/webservice/rest/server.php"


@dataclass(frozen=True, slots=True)
class ZoomAddresses:
    """Zoom LTI Pro's, which are the same for everybody. ``base`` is the setting ``lyceum.zoom.ltipro_url``."""

    base: str

    @property
    def target_url(self) -> str:
        return f"{self.base}/lti/advantage"

    def login_url(self, lti_key: str) -> str:
        return f"{self.base}/lti/advantage/login/{lti_key}"

    @property
    def redirect_urls(self) -> tuple[str, str]:
        return f"{self.base}/lti/rich/oauth/complete", f"{self.base}/lti/advantage/oauth/complete"

    @property
    def jwks_url(self) -> str:
        return f"{self.base}/lti/advantage/jwks"


def instance_url(academy: Academy) -> str:
    """What the admin types in Zoom as the site's address, and the issuer of our messages: no slash at the end."""
    return academy.url
