"""What commands are given by name or id."""

from uuid import UUID

from saas.cli.context import CommandError, Shell
from saas.tenancy.resolve import Academy
from tenants.lti.availability import require_lti


def lti_academy(shell: Shell, slug: str) -> Academy:
    """`Refused` TENANT_UNKNOWN or LTI_OFF."""
    academy = shell.academy(slug)
    require_lti(academy)
    return academy


def id_of(text: str, what: str) -> UUID:
    """`CommandError` with ``what`` it should be."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(what) from None
