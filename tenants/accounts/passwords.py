"""Passwords by argon2id with the library's current defaults; old parameters are renewed at the next sign-in."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from saas.problems import Refused

MIN_LENGTH = 10
MAX_LENGTH = 200
hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Compared when there is no such person, so that both answers take the same time; made when first needed."""
    return hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Refused("PASSWORD_LENGTH", wanted=f"{MIN_LENGTH} to {MAX_LENGTH} characters")
    return hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    try:
        hasher.verify(stored or _nobody(), password[:MAX_LENGTH])
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def needs_renewal(stored: str) -> bool:
    return hasher.check_needs_rehash(stored)
