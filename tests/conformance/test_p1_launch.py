"""P1-001 to P1-009 and P1-036: the launches we sign as the consumer of LTI 1.2, judged by oauthlib and by ourselves."""

import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from oauthlib.oauth1 import SignatureOnlyEndpoint
from webtest import TestResponse

from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Outcome
from tenants.lti.platform.sourcedids import read_sourcedid
from tenants.lti.platform.users import ToolUsers
from tenants.lti.wire.oauth1 import Signed, verify
from tests.conformance.consumer import FORM, _Keys
from tests.conformance.openings import Desk, fields_of, target_of
from tests.house import House

PERSON = ("lis_person_name_given", "lis_person_name_family", "lis_person_name_full", "lis_person_contact_email_primary")


@pytest.fixture(scope="module")
def desks() -> dict[str, Desk]:
    return {}


@pytest.fixture
def desk(house: House, desks: dict[str, Desk]) -> Desk:
    if house.backend not in desks:
        desks[house.backend] = Desk.set(house.academy())
    return desks[house.backend]


def is_genuine(page: TestResponse, secret: str = "our-secret") -> bool:
    """By oauthlib, over the bytes a browser would send, and by our own verification."""
    url, fields = target_of(page), fields_of(page)
    keys = _Keys(fields["oauth_consumer_key"], secret)
    by_oauthlib, _request = SignatureOnlyEndpoint(keys).validate_request(
        url, "POST", urlencode(fields), {"Content-Type": FORM}
    )
    unsigned = tuple((name, value) for name, value in fields.items() if name != "oauth_signature")
    query = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    by_us = verify(Signed(unsigned, fields["oauth_signature"], query), [url], [secret])
    assert bool(by_oauthlib) is (by_us is not None)
    return bool(by_oauthlib)


@pytest.mark.case("P1-001", "P1-002")
def test_a_launch_is_signed_and_complete(desk: Desk) -> None:
    learner = desk.learner()
    activity = desk.activity12(title="Ünits & “quotes”", resource_link_id="any thing", description="A text")
    page = learner.open(activity)
    fields = fields_of(page)
    assert is_genuine(page)
    assert not is_genuine(page, "another secret")
    assert abs(int(fields["oauth_timestamp"]) - time.time()) < 60
    said = {
        "lti_message_type": "basic-lti-launch-request",
        "lti_version": "LTI-1p0",
        "resource_link_id": "any thing",
        "resource_link_title": "Ünits & “quotes”",
        "resource_link_description": "A text",
        "roles": "Learner",
        "context_id": str(activity.course_id),
        "context_title": "A course",
        "context_type": "CourseSection",
        "lis_person_name_full": learner.person.name,
        "lis_person_contact_email_primary": str(learner.person.email),
        "launch_presentation_locale": "en",
        "launch_presentation_document_target": "iframe",
        "tool_consumer_info_product_family_code": "lyceum",
        "tool_consumer_instance_guid": desk.kit.host,
        "lis_outcome_service_url": f"{desk.kit.academy.url}/lti/outcomes",
        "oauth_callback": "about:blank",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_consumer_key": "our-key",
    }
    assert said.items() <= fields.items()
    assert fields["launch_presentation_return_url"].startswith(
        f"{desk.kit.academy.url}/learn/{activity.id}/tool/return"
    )
    assert all(fields.values()), "nothing blank"
    assert f"form-action 'self' {desk.base}" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "strict-origin"
    row = desk.rows(1)[0]
    assert (row.outcome, row.protocol, row.person_id) == (Outcome.ACCEPTED, "1.2", learner.person.id)
    assert row.claims["resource_link_id"] == "any thing"
    assert fields["oauth_signature"] not in str(row.claims)
    assert "our-secret" not in str((row.claims, row.checks, row.login))
    assert [check[0] for check in row.checks["login"]] == ["lti", "link", "tool", "consent", "user", "sent"]


@pytest.mark.case("P1-004")
def test_custom_parameters_get_tidy_names_and_values(desk: Desk) -> None:
    custom = (("Foo Bar", "1"), ("who", "$User.id"), ("mail", "$Person.email.primary"), ("odd", "$Nobody.knows"))
    learner = desk.learner()
    page = learner.open(desk.activity12(custom=custom))
    fields = fields_of(page)
    assert is_genuine(page)
    assert (fields["custom_foo_bar"], fields["custom_Foo Bar"]) == ("1", "1")
    assert fields["custom_who"] == fields["user_id"]
    assert fields["custom_mail"] == learner.person.email
    assert fields["custom_odd"] == "$Nobody.knows"


@pytest.mark.case("P1-006")
def test_the_launch_urls_query_is_signed_and_said_once(desk: Desk) -> None:
    activity = desk.activity12(url=f"{desk.base}/lti.php?a=b&custom_unit=x%20y", custom=(("unit", "3"),))
    page = desk.learner().open(activity)
    assert target_of(page) == f"{desk.base}/lti.php?a=b&custom_unit=x%20y"
    assert not {"a", "custom_unit"} & set(fields_of(page))
    assert is_genuine(page)


@pytest.mark.case("P1-007")
def test_privacy_switches_keep_name_and_address_back(desk: Desk) -> None:
    learner = desk.learner()
    activity = desk.activity12(
        send_name=False, send_email=False, custom=(("n", "$Person.name.full"), ("e", "$Person.email.primary"))
    )
    page = learner.open(activity)
    fields = fields_of(page)
    assert is_genuine(page)
    assert not set(PERSON) & set(fields)
    assert (fields["custom_n"], fields["custom_e"]) == ("$Person.name.full", "$Person.email.primary")
    told = " ".join(fields.values())
    assert str(learner.person.id) not in told
    assert str(learner.person.email) not in told
    assert len(fields["user_id"]) == 40


@pytest.mark.case("P1-007")
def test_one_vendor_knows_a_person_by_one_id_and_another_by_another(desk: Desk) -> None:
    learner = desk.learner()
    first = fields_of(learner.open(desk.activity12()))["user_id"]
    same_vendor = fields_of(learner.open(desk.activity12(url=f"{desk.base}/other.php")))["user_id"]
    elsewhere = fields_of(learner.open(desk.activity12(url="https://other-vendor.example/lti")))["user_id"]
    other_key = fields_of(learner.open(desk.activity12(key="another-key")))["user_id"]
    assert first == same_vendor
    assert len({first, elsewhere, other_key}) == 3
    with desk.kit.session() as session:
        audience = f"key:our-key@{desk.base}:443"
        assert ToolUsers(session).person_of(audience, first) == learner.person.id


@pytest.mark.case("P1-008")
@pytest.mark.parametrize("text", ["Two\nlines", "Two\r\nlines", "Two\rlines\n\nand a third"])
def test_line_breaks_are_crlf_and_signed_so(desk: Desk, text: str) -> None:
    page = desk.learner().open(desk.activity12(title="A title", description=text))
    assert is_genuine(page)
    sent = fields_of(page)["resource_link_description"]
    assert "\r\n" in sent
    assert "\r" not in sent.replace("\r\n", "")
    assert "\n" not in sent.replace("\r\n", "")


@pytest.mark.case("P1-009")
@pytest.mark.parametrize(
    "url", ["ftp://a.example/x", "javascript:alert(1)", "data:text/html,x", "", "https://u:p@a.example/"]
)
def test_what_is_no_web_address_is_refused_when_saved(desk: Desk, url: str) -> None:
    with pytest.raises(InvalidValues) as refused:
        desk.activity12(url=url)
    assert "url" in refused.value.fields


@pytest.mark.case("P1-036")
def test_each_launch_has_a_sourcedid_of_its_own_and_both_are_good(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity12()
    first, second = (fields_of(learner.open(activity))["lis_result_sourcedid"] for _ in range(2))
    assert first != second
    secrets, tenant_id = desk.kit.runtime.secrets, desk.kit.academy.id
    assert read_sourcedid(secrets, tenant_id, first) == read_sourcedid(secrets, tenant_id, second)
    read = read_sourcedid(secrets, tenant_id, first)
    assert read is not None
    assert read[1] == learner.person.id
