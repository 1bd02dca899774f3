"""Pictures as authors upload them, re-encoded: what is stored is only ever what our own encoder wrote."""

import hashlib
import io
import warnings

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.catalog.models import Media

MAX_UPLOAD = 6 * 1024 * 1024
#: Wider or higher than this is scaled down; more pixels than that is refused unread (decompression bombs).
MAX_SIDE = 1600
MAX_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def store_picture(session: ScopedSession, upload: bytes) -> Media:
    """The picture, made once per content; raises `Refused` when it is none."""
    content, width, height = _encode(upload)
    digest = hashlib.sha256(content).hexdigest()
    media = session.scalar(sa.select(Media).where(Media.sha256 == digest))
    if media is None:
        media = Media(sha256=digest, content_type="image/webp", width=width, height=height, content=content)
        session.add(media)
        session.flush()
    return media


def _encode(upload: bytes) -> tuple[bytes, int, int]:
    if len(upload) > MAX_UPLOAD:
        raise Refused("PICTURE_TOO_LARGE", wanted=f"{MAX_UPLOAD // 1024 // 1024} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(upload), formats=_FORMATS) as source:
                if source.width * source.height > MAX_PIXELS:
                    raise Refused("PICTURE_TOO_LARGE", wanted=f"{MAX_PIXELS} pixels")
                picture = ImageOps.exif_transpose(source).convert(
                    "RGBA" if source.mode in ("RGBA", "P", "LA") else "RGB"
                )
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        raise Refused("PICTURE_INVALID", wanted=", ".join(_FORMATS)) from None
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=82, method=4)
    return out.getvalue(), picture.width, picture.height
