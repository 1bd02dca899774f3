"""The mark on a question we ask our own public addresses, so that no log takes it for somebody else's."""

from typing import Any

from saas import clock
from saas.secrets import SealError, Secrets

#: The header, and the purpose its value is sealed for.
MARK = "X-Lyceum-Check"
PURPOSE = "lti.own_question"
#: Seconds a mark is good for.
LIFETIME = 120


def mark_of(secrets: Secrets, tenant_id: int) -> str:
    return secrets.seal(tenant_id, PURPOSE, str(int(clock.now().timestamp())).encode())


def is_own(secrets: Secrets, tenant_id: int, mark: str) -> bool:
    """Whether the mark was made here, for this academy, just now. Nobody else can make one."""
    if not mark:
        return False
    try:
        made_at = int(secrets.open(tenant_id, PURPOSE, mark))
    except (SealError, ValueError):
        return False
    return abs(clock.now().timestamp() - made_at) < LIFETIME


def is_own_question(request: Any) -> bool:
    """``request`` is the web's."""
    return is_own(request.runtime.secrets, request.tenant.id, request.headers.get(MARK, ""))
