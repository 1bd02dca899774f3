"""Pictures as authors upload them, re-encoded: what is stored is only ever what our own encoder wrote."""

import hashlib
import io
import struct
import threading
import warnings

import sqlalchemy as sa
from PIL import Image, ImageOps, UnidentifiedImageError

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.catalog.models import Media

MAX_UPLOAD = 6 * 1024 * 1024
#: Wider or higher than this is scaled down; more pixels than that is refused unread (decompression bombs). What phones
#: take by default has up to 24.5 million.
MAX_SIDE = 1600
MAX_PIXELS = 25_000_000
#: A picture being read takes up to 200 MB, so a process reads one at a time; others wait so many seconds.
WAIT = 5.0
_reading = threading.Lock()
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
    if not _reading.acquire(timeout=WAIT):
        raise Refused("PICTURE_BUSY")
    try:
        return _encoded(upload)
    finally:
        _reading.release()


def _encoded(upload: bytes) -> tuple[bytes, int, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(upload), formats=_FORMATS) as source:
                if source.width * source.height > MAX_PIXELS:
                    raise Refused("PICTURE_TOO_LARGE", wanted=f"{MAX_PIXELS} pixels")
                picture = _scaled(source)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        AttributeError,  # this and the next from damaged Exif
        struct.error,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        raise Refused("PICTURE_INVALID", wanted=", ".join(_FORMATS)) from None
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=82, method=4)
    return out.getvalue(), picture.width, picture.height


def _scaled(source: Image.Image) -> Image.Image:
    """Small before it is turned and converted, which copies it; a JPEG is even read small."""
    mode = "RGBA" if source.mode in ("RGBA", "P", "LA") else "RGB"
    picture = source if source.mode in ("RGB", "RGBA", "L", "LA", "CMYK", "YCbCr") else source.convert(mode)
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    return ImageOps.exif_transpose(picture).convert(mode)
