"""LTI platform storage: what the page's script is told to say, and what counts as an answer."""

import json

import pytest

from tenants.lti.wire.storage import (
    NONCE_FIELD,
    STATE_FIELD,
    asking,
    close_messages,
    keeping,
    origin,
    same_browser,
    usable_frame,
)

AUTH = "https://LMS.example/auth?x=1"
STATE, NONCE = "state-1", "nonce-1"


def test_ps_006_what_is_kept_is_what_is_asked_for() -> None:
    kept, asked = keeping("_parent", AUTH, state=STATE, nonce=NONCE), asking("_parent", AUTH, state=STATE)
    assert kept is not None
    assert asked is not None
    assert kept.as_json()["origin"] == asked.as_json()["origin"] == "https://lms.example"
    puts, gets = [message.as_json() for message in kept.messages], [message.as_json() for message in asked.messages[:2]]
    assert [put["subject"] for put in puts] == ["lti.put_data"] * 2
    assert [get["subject"] for get in gets] == ["lti.get_data"] * 2
    assert [put["value"] for put in puts] == [STATE, NONCE]
    assert [put["key"] for put in puts] == [get["key"] for get in gets]
    assert all("value" not in get for get in gets)
    assert len({message["message_id"] for message in puts + gets}) == 4
    storage = {message.key: message.value for message in kept.messages}
    answers = {message.answer_field: storage[message.key] for message in asked.messages if message.answer_field}
    assert same_browser(answers, state=STATE, nonce=NONCE)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {STATE_FIELD: STATE},
        {STATE_FIELD: STATE, NONCE_FIELD: "other"},
        {STATE_FIELD: "other", NONCE_FIELD: NONCE},
        {STATE_FIELD: "", NONCE_FIELD: ""},
        {STATE_FIELD: "ü\ud800", NONCE_FIELD: NONCE},
    ],
)
def test_ps_007_any_other_answer_is_another_browser(answers: dict[str, str]) -> None:
    assert not same_browser(answers, state=STATE, nonce=NONCE)
    assert not same_browser(answers, state="", nonce="")


def test_two_launches_at_once_do_not_meet_and_no_key_gives_the_state_away() -> None:
    first, second = (asking("_parent", AUTH, state=state) for state in ("a", "b"))
    assert first is not None
    assert second is not None
    assert {message.key for message in first.messages}.isdisjoint(message.key for message in second.messages)
    assert STATE not in json.dumps(asking("_parent", AUTH, state=STATE).as_json())  # type: ignore[union-attr]  # -- given


def test_what_was_kept_is_forgotten_once_it_was_asked_for() -> None:
    talk = asking("store", AUTH, state=STATE)
    assert talk is not None
    assert [message.as_json() for message in talk.messages[2:]] == [
        {"subject": "lti.put_data", "message_id": f"drop-{at}", "key": message.key, "value": None}
        for at, message in enumerate(talk.messages[:2], 1)
    ]
    assert talk.as_json()["frame"] == "store"


@pytest.mark.parametrize(
    "target", ["", "_top", "_self", "_blank", "_Parent", "a b", "x'];alert(1)//", "<x>", "x" * 256]
)
def test_frames_a_script_may_not_look_for(target: str) -> None:
    assert usable_frame(target) == ""
    assert keeping(target, AUTH, state=STATE, nonce=NONCE) is None


@pytest.mark.parametrize("target", ["_parent", "post_message_forwarding", "lti-store.1", "A:b"])
def test_frames_a_script_may_look_for(target: str) -> None:
    assert usable_frame(target) == target


@pytest.mark.parametrize(
    ("url", "there"),
    [
        (AUTH, "https://lms.example"),
        ("https://lms.example:443/x", "https://lms.example"),
        ("http://lms.example:8080/x", "http://lms.example:8080"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("javascript:x", ""),
        ("", ""),
    ],
)
def test_origins_are_written_as_browsers_write_them(url: str, there: str) -> None:
    assert origin(url) == there
    assert bool(asking("_parent", url, state=STATE)) is bool(there)


def test_both_ways_to_close_a_window() -> None:
    assert [message["subject"] for message in close_messages()] == ["lti.close", "org.imsglobal.lti.close"]
