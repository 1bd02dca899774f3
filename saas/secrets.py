"""Values sealed at rest, each bound to its tenant and purpose.

The key of a value is derived (HKDF-SHA256) from the master key, the tenant and the purpose, so a ciphertext copied to
another tenant or another column does not open. `Fernet` gives authentication; several master keys give rotation.
"""

import base64
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealError(Exception):
    """The value does not open: wrong tenant, wrong purpose, altered, or its master key is gone."""


class Secrets:
    """``master_keys`` newest first: the first seals, all open."""

    def __init__(self, master_keys: tuple[str, ...]) -> None:
        if not master_keys:
            raise ValueError("at least one master key is needed")
        self._masters = tuple(base64.urlsafe_b64decode(key) for key in master_keys)
        if any(len(master) != 32 for master in self._masters):
            raise ValueError("a master key is 32 bytes in URL-safe base64")
        self._fernet = lru_cache(maxsize=4096)(self._derive)

    def _derive(self, tenant_id: int, purpose: str) -> MultiFernet:
        info = f"lyceum seal v1|{tenant_id}|{purpose}".encode()
        derived = (HKDF(SHA256(), 32, salt=None, info=info).derive(master) for master in self._masters)
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])

    def seal(self, tenant_id: int, purpose: str, value: bytes) -> str:
        return self._fernet(tenant_id, purpose).encrypt(value).decode()

    def open(self, tenant_id: int, purpose: str, sealed: str) -> bytes:
        try:
            return self._fernet(tenant_id, purpose).decrypt(sealed.encode())
        except InvalidToken:
            raise SealError(f"sealed value of tenant {tenant_id} for {purpose} does not open") from None

    def reseal(self, tenant_id: int, purpose: str, sealed: str) -> str:
        """The same value under the newest master key (`MultiFernet.rotate`)."""
        try:
            return self._fernet(tenant_id, purpose).rotate(sealed.encode()).decode()
        except InvalidToken:
            raise SealError(f"sealed value of tenant {tenant_id} for {purpose} does not open") from None

    def mac_key(self, purpose: str) -> bytes:
        """32 bytes for signing short-lived things (cookies); changes with the newest master key."""
        return HKDF(SHA256(), 32, salt=None, info=f"lyceum mac v1|{purpose}".encode()).derive(self._masters[0])


def generate_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def key_under(folder: Path) -> str:
    """The key in ``folder/master.key``, made at the first call; only its owner may read it."""
    path = folder / "master.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(generate_key())
        with suppress(FileExistsError):  # another process was first; its key counts
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
