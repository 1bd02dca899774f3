"""LTI is a feature of an academy: the operator switches it on, and without it nothing of it opens."""

from saas.problems import Refused
from saas.tenancy.resolve import Academy


def require_lti(academy: Academy) -> None:
    """What comes first on every page, at every door and in every command. `Refused` LTI_OFF."""
    if not academy.has("lti"):
        raise Refused("LTI_OFF", seen=academy.name)
