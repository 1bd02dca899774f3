"""Which launches of LTI 1.x are believed and which are not, each with the code people are shown."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.form11 import MAX_FORM, read_form
from tenants.lti.wire.launch11 import (
    CONTENT_ITEM_SELECTION,
    LAUNCH11_STEPS,
    Consumer,
    check_launch,
    nonce_lifetime,
    return_address,
)
from tenants.lti.wire.oauth1 import base_string, sign
from tests.protocol.consumer import (
    CONSUMER,
    FORM,
    FULL,
    KEY,
    SECONDS,
    SECRET,
    URL,
    fields,
    form_of,
    launch,
    post,
    prove,
    refusal,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


def test_t1_001_a_whole_launch_passes_every_check_in_order() -> None:
    checks = Checklist(LAUNCH11_STEPS)
    came = launch(post(fields()), checks=checks)
    names = [check.name for check in checks.checks]
    assert names == [name for name in LAUNCH11_STEPS if name not in {"available", "person", "enrolment", "scores"}]
    assert all(check.passed for check in checks.checks)
    assert names.index("signature") < names.index("nonce")
    assert (came.sub, came.key, came.version) == ("4711", KEY, "LTI-1p0")
    assert came.resource_link is not None
    assert (came.resource_link.id, came.resource_link.title) == ("17", "Week 1")
    assert (came.person.given_name, came.person.family_name, came.person.email) == (
        "Ada",
        "Lovelace",
        "ada@school.example",
    )
    assert came.context is not None
    assert (came.context.id, came.context.title, came.context.types) == ("3", "Course one", ("CourseSection",))
    assert (came.platform.product_family_code, came.platform.name) == ("moodle", "School")
    assert came.outcome is not None
    assert (came.outcome.url, came.outcome.sourcedid) == (
        "https://lms.school.example/service.php?type=1",
        '{"data":{"instanceid":"2","userid":"4"},"hash":"0a1b"}',
    )
    assert (came.locale, came.document_target) == ("nl_NL", "iframe")
    assert came.return_url == "https://lms.school.example/return?course=3"
    assert dict(came.custom) == {"chapter": "2"}
    assert not came.is_staff_there


def test_no_secret_and_no_parameter_of_oauth_reaches_the_launch_or_its_log() -> None:
    checks = Checklist(LAUNCH11_STEPS)
    body = post(fields())
    came = launch(body, checks=checks)
    signature = dict(parse_qsl(body.decode()))["oauth_signature"]
    written = f"{checks.as_json()} {came!r} {CONSUMER!r} {read_form(Checklist(LAUNCH11_STEPS), 'POST', FORM, body)!r}"
    assert SECRET not in written
    assert signature not in written
    assert not any(name.startswith("oauth_") for name in came.raw)


def test_t1_002_a_nonce_seen_before_is_refused_after_the_signature() -> None:
    assert refusal(post(fields()), fresh=False).code == "LTI11_NONCE"
    assert refusal(post(fields(), secret="wrong"), fresh=False).code == "LTI11_SIGNATURE"
    assert (nonce_lifetime(), nonce_lifetime(600), nonce_lifetime(9999)) == (660, 1260, 1260)


@pytest.mark.parametrize("off", [-301, 301, -86400, 10**9])
def test_t1_005_006_a_timestamp_outside_the_window_shows_both_clocks(off: int) -> None:
    refused = refusal(post(fields(), at=SECONDS + off))
    assert refused.code == "LTI11_TIMESTAMP"
    assert f"{abs(off)} s {'ahead' if off > 0 else 'behind'}" in refused.seen
    assert "our clock says 2026-03-01 12:00:00 UTC; 300 s" in refused.wanted


@pytest.mark.parametrize("off", [-299, 299, -300, 300, 0])
def test_t1_007_a_timestamp_within_the_window(off: int) -> None:
    assert launch(post(fields(), at=SECONDS + off)).sub == "4711"


def test_a_wider_window_has_its_limit() -> None:
    assert launch(post(fields(), at=SECONDS - 590), window=600).sub == "4711"
    assert refusal(post(fields(), at=SECONDS - 610), window=6000).code == "LTI11_TIMESTAMP"


def _with(body: bytes, name: str, value: str | None) -> bytes:
    """The same form with one parameter replaced or, for None, left out; the signature stays as it was."""
    pairs = [pair for pair in parse_qsl(body.decode(), keep_blank_values=True) if pair[0] != name]
    return form_of(pairs if value is None else [*pairs, (name, value)])


@pytest.mark.parametrize("value", ["abc", "", "-5", "1772366400000", "1e9", "１２３", " 5", "5.0"])
def test_t1_008_a_timestamp_that_is_none(value: str) -> None:
    refused = refusal(_with(post(fields()), "oauth_timestamp", value))
    assert refused.code == "LTI11_OAUTH_PARAM"
    assert refused.seen.startswith("oauth_timestamp")


@pytest.mark.parametrize(
    "name",
    ["oauth_consumer_key", "oauth_nonce", "oauth_timestamp", "oauth_signature", "oauth_signature_method"],
)
def test_each_part_of_the_signature_is_needed(name: str) -> None:
    refused = refusal(_with(post(fields()), name, None))
    assert (refused.code, refused.seen) == ("LTI11_OAUTH_PARAM", f"{name}: missing")


def test_t1_009_a_wrong_secret() -> None:
    refused = refusal(post(fields(), secret="wrong"))
    assert refused.code == "LTI11_SIGNATURE"
    assert refused.wanted == f"POST {URL}, signed with our secret"


def test_t1_011_013_an_unknown_key() -> None:
    refused = refusal(post(fields(), key="nobody's"), consumer=None)
    assert (refused.code, refused.seen) == ("LTI11_UNKNOWN_KEY", "nobody's")


def test_t1_012_a_key_of_another_activity() -> None:
    assert refusal(post(fields()), consumer=Consumer(KEY, (SECRET,), frozenset({"8"}))).code == "LTI11_KEY_ACTIVITY"
    assert launch(post(fields()), consumer=Consumer(KEY, (SECRET,))).sub == "4711"


def test_the_previous_secret_is_good_while_it_overlaps() -> None:
    rotated = Consumer(KEY, ("new", SECRET))
    assert prove(post(fields()), consumer=rotated).secret == 1
    assert prove(post(fields(), secret="new"), consumer=rotated).secret == 0


@pytest.mark.parametrize("value", ["Instructor", "", None])
def test_t1_014_roles_changed_after_signing(value: str | None) -> None:
    assert refusal(_with(post(fields()), "roles", value)).code == "LTI11_SIGNATURE"


def test_t1_015_an_unsigned_parameter_is_added() -> None:
    assert refusal(_with(post(fields()), "custom_more", "x")).code == "LTI11_SIGNATURE"


def test_t1_017_018_the_version_of_oauth() -> None:
    pairs = [("oauth_consumer_key", KEY), ("oauth_nonce", "n"), ("oauth_timestamp", str(SECONDS))]
    pairs += [("oauth_signature_method", "HMAC-SHA1"), *fields().items()]
    signature = sign(base_string("POST", URL, pairs), SECRET)
    assert launch(form_of([*pairs, ("oauth_signature", signature)])).sub == "4711"
    refused = refusal(_with(post(fields()), "oauth_version", "2.0"))
    assert (refused.code, refused.seen) == ("LTI11_OAUTH_PARAM", "oauth_version: 2.0")


def test_t1_019_sha256_only_where_it_is_switched_on() -> None:
    body = post(fields(), method="HMAC-SHA256")
    assert refusal(body).code == "LTI11_SIGNATURE_METHOD"
    assert launch(body, signature_methods={"HMAC-SHA1", "HMAC-SHA256"}).sub == "4711"


@pytest.mark.parametrize("method", ["PLAINTEXT", "RSA-SHA1", "hmac-sha1", "none"])
def test_t1_020_never_another_method(method: str) -> None:
    body = _with(post(fields()), "oauth_signature_method", method)
    refused = refusal(body, signature_methods={"PLAINTEXT", "RSA-SHA1", "HMAC-SHA1", "none", "hmac-sha1"})
    assert refused.code == "LTI11_SIGNATURE_METHOD"


@pytest.mark.parametrize(
    ("method", "kind"), [("GET", FORM), ("POST", "application/json"), ("POST", "multipart/form-data; b=x"), ("PUT", "")]
)
def test_t1_021_only_a_posted_form(method: str, kind: str) -> None:
    with pytest.raises(Refused) as caught:
        read_form(Checklist(LAUNCH11_STEPS), method, kind, post(fields()))
    assert caught.value.code == "LTI11_METHOD"


def test_a_charset_beside_the_form_type_is_fine() -> None:
    assert read_form(Checklist(LAUNCH11_STEPS), "POST", f"{FORM}; charset=UTF-8", b"a=b").values == {"a": "b"}


@pytest.mark.parametrize(
    "body", [b"a=" + b"x" * MAX_FORM, b"a=\xff", b"a=%ff", b"a=%00", urlencode([("a", "1")] * 1001).encode()]
)
def test_a_form_that_is_none(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_form(Checklist(LAUNCH11_STEPS), "POST", FORM, body)
    assert caught.value.code == "LTI11_DUPLICATE_PARAM"


@pytest.mark.parametrize(
    ("version", "code"),
    [("", "LTI11_VERSION"), ("LTI-2p0", "LTI11_VERSION_2"), ("1.3.0", "LTI11_VERSION"), ("LTI-1p3", "LTI11_VERSION")],
)
def test_t1_023_other_versions(version: str, code: str) -> None:
    assert refusal(post(fields(lti_version=version))).code == code
    assert refusal(post(fields("lti_version"))).code == "LTI11_VERSION"


@pytest.mark.parametrize("version", ["LTI-1p1", "LTI-1p2"])
def test_t1_024_versions_taken_with_a_note(version: str) -> None:
    checks = Checklist(LAUNCH11_STEPS)
    assert launch(post(fields(lti_version=version)), checks=checks).version == version
    noted = next(check for check in checks.checks if check.name == "version")
    assert (noted.passed, noted.seen) == (True, f"{version}, taken as LTI-1p0")


def test_t1_025_the_message_type() -> None:
    assert refusal(post(fields(lti_message_type="foo"))).code == "LTI11_MESSAGE_TYPE"
    assert refusal(post(fields("lti_message_type"))).code == "LTI11_MESSAGE_TYPE"
    selection = post(fields("resource_link_id", lti_message_type=CONTENT_ITEM_SELECTION))
    assert refusal(selection).code == "LTI11_MESSAGE_TYPE"
    assert launch(selection, message_types={CONTENT_ITEM_SELECTION}).resource_link is None


@pytest.mark.parametrize("value", ["", "   ", "x" * 256, "a\nb"])
def test_t1_026_027_the_resource_link(value: str) -> None:
    assert refusal(post(fields(resource_link_id=value))).code == "LTI11_RESOURCE_LINK"
    proven = prove(post(fields("resource_link_id")))
    with pytest.raises(Refused) as caught:
        check_launch(Checklist(LAUNCH11_STEPS), proven)
    assert caught.value.seen == "resource_link_id: missing"
    assert return_address(proven.return_url, error="No link") == (
        "https://lms.school.example/return?course=3&lti_errormsg=No%20link"
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "ftp://x.example", "", "https://a@b.example"])
def test_t1_029_an_address_to_return_to_is_one_of_the_web(url: str) -> None:
    assert prove(post(fields(launch_presentation_return_url=url))).return_url == ""


def test_words_for_the_return_are_short_and_plain() -> None:
    address = return_address("https://lms.example/r", error="a\nb&c", log="x" * 900, message="")
    assert address.startswith("https://lms.example/r?lti_errormsg=a%20b%26c&lti_errorlog=x")
    assert len(address) < 400


@pytest.mark.parametrize("value", ["", " ", "x" * 256])
def test_t1_030_the_user_id(value: str) -> None:
    refused = refusal(post(fields(user_id=value)))
    assert refused.code == "LTI11_USER_ID"
    assert refused.wanted.startswith("user_id; Moodle:")
    assert refusal(post(fields("user_id"))).seen == "user_id: missing"


@pytest.mark.parametrize("value", ["", "null", "ada", "ada@", "ada@school", "a b@c.de", "a@b@c.de", "@c.de", "a@b..c"])
def test_t1_031_the_email_of_someone_new(value: str) -> None:
    body = post(fields(lis_person_contact_email_primary=value))
    refused = refusal(body)
    assert refused.code == "LTI11_EMAIL"
    assert "lis_person_contact_email_primary" in refused.wanted
    assert "Share launcher's email with tool" in refused.wanted
    assert launch(body, known=True).sub == "4711"


def test_t1_032_the_full_name_is_split() -> None:
    came = launch(post(fields("lis_person_name_given", "lis_person_name_family")))
    assert (came.person.given_name, came.person.family_name) == ("Ada", "Lovelace")


def test_t1_033_no_name_at_all() -> None:
    body = post(fields("lis_person_name_given", "lis_person_name_family", "lis_person_name_full"))
    refused = refusal(body)
    assert refused.code == "LTI11_NAME"
    assert refused.seen == "lis_person_name_given: missing, lis_person_name_family: missing"
    assert refused.wanted.startswith("lis_person_name_given; Moodle:")
    assert launch(body, known=True).person.given_name == ""
    one = refusal(post(fields("lis_person_name_family", lis_person_name_full="Ada")))
    assert one.seen == "lis_person_name_family: missing"


def test_t1_035_signed_over_http() -> None:
    body = post(fields(), url=URL.replace("https:", "http:"))
    assert refusal(body).seen == "matches with http instead of https"
    assert launch(body, aliases=[URL.replace("https:", "http:")]).sub == "4711"


@pytest.mark.parametrize("url", ["https://academy.example:443/lti/launch/7", "https://ACADEMY.Example/lti/launch/7"])
def test_t1_036_the_same_address_written_otherwise(url: str) -> None:
    assert launch(post(fields(), url=url)).sub == "4711"


def test_t1_037_a_launch_address_with_a_query() -> None:
    url = f"{URL}?chapter=2&x=%26%20"
    assert launch(post(fields(), url=url), url=url, published=url).sub == "4711"


def test_t1_038_a_query_added_after_signing() -> None:
    body, called = post(fields("custom_chapter")), f"{URL}?placement=1&custom_chapter=9"
    assert refusal(body, url=called).seen == "matches without the query"
    came = launch(body, url=called, consumer=Consumer(KEY, (SECRET,), tolerate_query=True))
    assert came.sub == "4711"
    assert "placement" not in came.raw
    assert not came.custom


def test_a_person_cannot_be_named_in_the_query_of_a_tolerant_key() -> None:
    tolerant = Consumer(KEY, (SECRET,), tolerate_query=True)
    assert refusal(post(fields()), url=f"{URL}?user_id=1", consumer=tolerant).code == "LTI11_DUPLICATE_PARAM"
    refused = refusal(post(fields("user_id")), url=f"{URL}?user_id=1", consumer=tolerant)
    assert refused.code == "LTI11_USER_ID"


@pytest.mark.parametrize("name", ["lti_message_type", "lti_version"])
def test_what_decides_about_a_launch_is_never_taken_from_an_unsigned_query(name: str) -> None:
    tolerant = Consumer(KEY, (SECRET,), tolerate_query=True)
    refused = refusal(post(fields(name)), url=f"{URL}?{name}={FULL[name]}", consumer=tolerant)
    assert (refused.code, refused.seen) == ("LTI11_SIGNATURE", f"{name} came outside of what was signed")


@pytest.mark.parametrize(
    "value", ["100 %", "a+b", "a b", "x&y=z", "~", "'\"`", "🙂 ü é", "line\r\nline", "%2B%20", "", "a;b", "𝔘"]
)
def test_t1_039_any_value_survives_the_signature(value: str) -> None:
    came = launch(post(fields(custom_value=value, resource_link_title=value)))
    assert came.raw["custom_value"] == value


def test_t1_041_what_may_be_said_twice_and_what_not() -> None:
    pairs = list(fields("custom_chapter").items())
    assert launch(post([*pairs, ("custom_chapter", "1"), ("custom_chapter", "2")])).custom["chapter"] == "1"
    for name in ("user_id", "resource_link_id", "lti_version", "oauth_callback", "lis_result_sourcedid", "roles"):
        refused = refusal(form_of([*parse_qsl(post(fields()).decode()), (name, "x")]))
        assert (refused.code, refused.seen) == ("LTI11_DUPLICATE_PARAM", f"{name}: given twice")


@pytest.mark.parametrize(
    ("roles", "known", "staff"),
    [
        ("urn:lti:role:ims/lis/Instructor", ("context/Instructor",), True),
        ("Instructor,Administrator", ("context/Instructor", "context/Administrator"), True),
        ("", (), False),
        ("Wizard", (), False),
        ("urn:lti:sysrole:ims/lis/Administrator,Learner", ("system/Administrator", "context/Learner"), False),
    ],
)
def test_t1_042_043_roles(roles: str, known: tuple[str, ...], staff: bool) -> None:
    came = launch(post(fields(roles=roles)))
    assert (came.roles.known, came.is_staff_there) == (known, staff)
    assert not launch(post(fields("roles"))).is_staff_there


def test_t1_045_oauth_callback_may_be_absent() -> None:
    assert launch(post(fields("oauth_callback"))).sub == "4711"


@pytest.mark.parametrize(
    "changes",
    [
        {"lis_result_sourcedid": ""},
        {"lis_result_sourcedid": " "},
        {"lis_outcome_service_url": ""},
        {"lis_outcome_service_url": "javascript:x"},
        {"lis_result_sourcedid": "a\x01b"},
        {"lis_result_sourcedid": "x" * 4097},
    ],
)
def test_t1_050_without_both_parts_there_is_no_way_for_a_score(changes: dict[str, str]) -> None:
    assert launch(post(fields(**changes))).outcome is None


def test_t1_055_a_sourcedid_is_kept_to_the_letter() -> None:
    odd = " <&>\"'\t{ü}" + "x" * 1000
    came = launch(post(fields(lis_result_sourcedid=odd)))
    assert came.outcome is not None
    assert came.outcome.sourcedid == odd


@settings(max_examples=60, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.one_of(st.sampled_from([*FULL, "oauth_nonce", "oauth_timestamp"]), TEXT), TEXT), max_size=40
    ),
    query=TEXT,
)
def test_no_form_whatever_it_says_breaks_anything_but_itself(pairs: list[tuple[str, str]], query: str) -> None:
    told = form_of(pairs)
    with pytest.raises(Refused):
        launch(told, url=f"{URL}?{query}")
    once = {name: value for name, value in pairs if not name.startswith("oauth_")}
    signed = post({**fields(), **once, "lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0"})
    checks = Checklist(LAUNCH11_STEPS)
    with suppress(Refused):
        assert launch(signed, checks=checks).sub == {**FULL, **once}["user_id"]
    assert checks.failed is None or checks.failed.code.startswith("LTI11_")
    assert "signature" in {check.name for check in checks.checks} or checks.failed is not None
