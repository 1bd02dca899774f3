"""LTI platform storage: state and nonce kept by the platform's own frame where the browser keeps no cookie of ours.

LTI Client Side postMessages 0.1, postMessage Storage 0.1. Here stands what the page's script says and what counts as an
answer; the script sends messages as they are and posts back what it hears.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from tenants.lti.wire.text import split_url

PARENT = "_parent"
PUT, GET = "lti.put_data", "lti.get_data"
TIMEOUT = 1500
"""Milliseconds for one question; one without an answer is the last."""
STATE_FIELD = "storage_state"
NONCE_FIELD = "storage_nonce"

_FRAME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}")


@dataclass(frozen=True, slots=True)
class Message:
    """One message and the name under which its answer is posted back; the answer's subject ends in ``.response``.

    A put with an empty value removes.
    """

    subject: str
    message_id: str
    key: str
    value: str = ""
    answer_field: str = ""

    def as_json(self) -> dict[str, str | None]:
        """What goes through ``postMessage``."""
        body: dict[str, str | None] = {"subject": self.subject, "message_id": self.message_id, "key": self.key}
        return {**body, "value": self.value or None} if self.subject == PUT else body


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the page's script is given: whom to ask, how long, and what.

    ``frame`` is `PARENT` or the name of a frame of the parent. Messages go to ``origin`` alone, and an answer counts if
    it comes from the frame asked and from that origin.
    """

    frame: str
    origin: str
    messages: tuple[Message, ...]
    timeout: int = TIMEOUT

    def as_json(self) -> dict[str, object]:
        """For a ``data-`` attribute."""
        return {
            "frame": self.frame,
            "origin": self.origin,
            "timeout": self.timeout,
            "messages": [{"send": message.as_json(), "field": message.answer_field} for message in self.messages],
        }


def usable_frame(target: str) -> str:
    """``lti_storage_target`` if a script may look for it, else empty: no keyword but ``_parent``, no odd name."""
    return target if target == PARENT or _FRAME_NAME.fullmatch(target) else ""


def origin(url: str) -> str:
    """Scheme, host and any port of the registered authentication address, as a browser writes them."""
    parts = split_url(url)
    if not parts:
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, usual} else "")


def keeping(target: str, auth_url: str, *, state: str, nonce: str) -> Conversation | None:
    """What to say before the browser leaves for the platform; None if there is nobody to say it to."""
    pairs = ((state_key(state), state), (nonce_key(state), nonce))
    return _conversation(target, auth_url, [Message(PUT, f"put-{at}", *pair) for at, pair in enumerate(pairs, 1)])


def asking(target: str, auth_url: str, *, state: str) -> Conversation | None:
    """What to ask when the browser comes back without our cookie; the answers go into the fields named.

    What was kept is then forgotten there: the launch ends with this, however it ends.
    """
    keys = ((state_key(state), STATE_FIELD), (nonce_key(state), NONCE_FIELD))
    asked = [Message(GET, f"get-{at}", key, answer_field=name) for at, (key, name) in enumerate(keys, 1)]
    return _conversation(
        target, auth_url, [*asked, *(Message(PUT, f"drop-{at}", key) for at, (key, _) in enumerate(keys, 1))]
    )


def same_browser(answers: Mapping[str, str], *, state: str, nonce: str) -> bool:
    """Whether the storage answered with the very pair this launch began with: then it is the same browser."""
    kept_state, kept_nonce = answers.get(STATE_FIELD, ""), answers.get(NONCE_FIELD, "")
    genuine = compare_digest(kept_state.encode(errors="replace"), state.encode())
    return compare_digest(kept_nonce.encode(errors="replace"), nonce.encode()) and genuine and bool(state and nonce)


def state_key(state: str) -> str:
    """Under which name the state is kept; two launches in two tabs do not meet."""
    return f"lyceum.state.{_short(state)}"


def nonce_key(state: str) -> str:
    return f"lyceum.nonce.{_short(state)}"


def close_messages() -> Sequence[Mapping[str, str]]:
    """Both ways to say that a window may close; the second ends a dynamic registration (§3.7 there)."""
    return ({"subject": "lti.close"}, {"subject": "org.imsglobal.lti.close"})


def _conversation(target: str, auth_url: str, messages: Sequence[Message]) -> Conversation | None:
    frame, there = usable_frame(target), origin(auth_url)
    return Conversation(frame, there, tuple(messages)) if frame and there else None


def _short(state: str) -> str:
    return sha256(state.encode()).hexdigest()[:24]
