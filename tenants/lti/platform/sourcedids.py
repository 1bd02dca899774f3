"""``lis_result_sourcedid``: a link and a person, sealed for the academy (LTI 1.1.1 §6.1).

Every launch makes another one and all stay good. Whether the person still takes part is asked when it comes back.
"""

import re
from uuid import UUID

from saas.secrets import SealError, Secrets

PURPOSE = "lti.sourcedid"
MAX_LENGTH = 255
_WRITTEN = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def write_sourcedid(secrets: Secrets, tenant_id: int, link_id: UUID, person_id: UUID) -> str:
    """140 characters of the URL-safe base64 alphabet, which neither XML nor a form would change."""
    return secrets.seal(tenant_id, PURPOSE, link_id.bytes + person_id.bytes)


def read_sourcedid(secrets: Secrets, tenant_id: int, text: str) -> tuple[UUID, UUID] | None:
    """The link and the person; None for what this academy never wrote, whatever it is."""
    if len(text) > MAX_LENGTH or not _WRITTEN.fullmatch(text):
        return None
    try:
        opened = secrets.open(tenant_id, PURPOSE, text)
    except SealError:
        return None
    return UUID(bytes=opened[:16]), UUID(bytes=opened[16:])
