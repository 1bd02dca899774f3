"""Integrations → LTI 1.3 → Add new Platform: pasted values are cleaned and the page says so; faults stand at their field."""

from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tenants.access import Role
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import Platforms
from tests.features.pages import faults, words
from tests.house import House, Kit

NEW = "/integrations/lti-1.3/platforms/new"
CHECK = "/integrations/lti-1.3/platforms/check"
GOOD = {
    "name": "School LMS", "issuer": "https://lms.example", "client_id": "client", "deployment_ids": "1", "auth_url": "https://lms.example/auth",
    "token_url": "https://lms.example/token", "jwks_url": "https://lms.example/jwks", "pasted_key": "", "token_audience": "", "is_active": "y",
}  # fmt: skip
REMOVED = "Spaces or invisible characters were removed from"


def platforms(kit: Kit) -> list[dict[str, Any]]:
    with kit.session() as session:
        return [
            {
                **{name: getattr(each, name) for name in GOOD if name not in ("deployment_ids", "pasted_key")},
                "deployments": [one.deployment_id for one in each.deployments],
            }
            for each in Platforms(session, kit.runtime.outbound).all()
        ]


def public_key() -> str:
    key = generate_private_key(65537, 2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_pasted_values_are_cleaned_and_the_page_says_which(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    pasted = {
        "issuer": " https://lms.example\u200b\r\n",
        "client_id": "cli ent\ufeff",
        "deployment_ids": "1\r\n 2 ,3\u200b",
    }
    page = words(admin.post(NEW, {**GOOD, **pasted}, status=303).follow())
    said = page[page.index(REMOVED) :]
    assert all(label in said for label in ("Issuer", "Tool client ID", "Tool deployment ID"))
    (made,) = platforms(kit)
    assert (made["issuer"], made["client_id"]) == ("https://lms.example", "client")
    assert sorted(made["deployments"]) == ["1", "2", "3"]


def test_lines_as_browsers_send_them_are_nothing_to_speak_of(house: House) -> None:
    kit = house.academy()
    page = kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, "deployment_ids": "1\r\n2"}, status=303).follow()
    assert REMOVED not in words(page)
    assert sorted(platforms(kit)[0]["deployments"]) == ["1", "2"]


def test_faults_stand_at_their_fields_and_nothing_is_registered(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    for changed, marked in (
        ({"name": " \u200b"}, {"name"}),
        ({"issuer": ""}, {"issuer"}),
        ({"client_id": "x" * 256}, {"client_id"}),
        ({"deployment_ids": " , \n"}, {"deployment_ids"}),
        ({"deployment_ids": "x" * 256}, {"deployment_ids"}),
        ({"auth_url": "lms.example"}, {"auth_url"}),
        ({"auth_url": "javascript:alert(1)"}, {"auth_url"}),
        ({"token_url": "https://user:pass@lms.example/t"}, {"token_url"}),
        ({"token_url": "https://10.0.0.1/t"}, {"token_url"}),
        ({"token_url": "https://0x7f000001.example:99999/"}, {"token_url"}),
        ({"jwks_url": "https://[::ffff:169.254.169.254]/"}, {"jwks_url"}),
        ({"jwks_url": "http://lms.example/jwks"}, {"jwks_url"}),
        ({"jwks_url": ""}, {"jwks_url"}),
        ({"jwks_url": "", "pasted_key": "no key"}, {"pasted_key"}),
        ({"pasted_key": '{"keys": []}'}, {"pasted_key"}),
    ):
        page = admin.post(NEW, {**GOOD, **changed}, status=422)
        assert faults(page) == marked, changed
        assert "https://lms.example/auth" in page or "auth_url" in changed, "what was typed stays"
    assert platforms(kit) == []


def test_a_pasted_key_stands_in_for_the_address(house: House) -> None:
    kit = house.academy()
    kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, "jwks_url": "", "pasted_key": f"\n{public_key()}\n"}, status=303)
    assert platforms(kit)[0]["jwks_url"] == ""


def test_issuer_and_client_together_are_registered_once(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    admin.post(NEW, GOOD, status=303)
    again = admin.post(NEW, GOOD, status=422)
    assert faults(again) == {"client_id"}
    assert "“School LMS” has this issuer and client ID already" in words(again)
    admin.post(NEW, {**GOOD, "client_id": "second"}, status=303)
    elsewhere = house.academy()
    elsewhere.signed_in(Role.ADMIN).post(NEW, GOOD, status=303)
    assert [len(platforms(each)) for each in (kit, elsewhere)] == [2, 1]


def test_an_address_is_checked_on_leaving_its_field(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)

    def verdict(field: str, value: str) -> str:
        answer = admin.post(f"{CHECK}/{field}", {field: value}, headers={"HX-Request": "true"}, status=200)
        assert "<html" not in answer
        return words(answer)

    assert "This can be used." in verdict("auth_url", GOOD["auth_url"])
    assert "will be removed: https://lms.example/auth" in verdict("auth_url", " https://lms.example/auth\u200b ")
    assert "Error: This is not a web address" in verdict("token_url", "lms.example")
    assert "Error: This field is needed" in verdict("token_url", "")
    assert verdict("jwks_url", "") == "", "there may be a pasted key instead"
    assert "Error:" in verdict("jwks_url", "https://127.1/")[:6] or "Error:" in verdict(
        "jwks_url", "https://169.254.1.1/"
    )
    form = admin.get(NEW).text
    for field in ("auth_url", "token_url", "jwks_url"):
        assert f'hx-post="{CHECK}/{field}"' in form


def test_what_the_other_side_needs_is_shown_to_copy(house: House) -> None:
    kit = house.academy()
    page = kit.signed_in(Role.ADMIN).get(NEW)
    for value in (
        f"{kit.academy.url}/lti/login",
        f"{kit.academy.url}/lti/launch",
        "-----BEGIN PUBLIC KEY-----",
        kit.host,
    ):
        assert value in page
    for shown, value in (
        ("our-tool", f"{kit.academy.url}/lti/activities"),
        ("our-picker", f"{kit.academy.url}/lti/pick"),
    ):
        assert page.html.find(id=shown).get_text() == value
        assert page.html.find(attrs={"data-copy": shown})
    said = words(page)
    for label in ("Login URL", "Redirect URI", "JWKS URL", "Public key", "Domain", "Tool URL", "Deep linking URL"):
        assert label in said
    assert page.text.count("data-copy=") >= 7


def test_a_changed_platform_keeps_its_name_when_the_form_is_faulty(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    address = admin.post(NEW, GOOD, status=303).location.removeprefix(f"https://{kit.host}")
    admin.post(f"{address}/edit", {**GOOD, "name": "New name", "auth_url": "nowhere"}, status=422)
    assert platforms(kit)[0]["name"] == "School LMS"
    admin.post(f"{address}/edit", {**GOOD, "name": "New name", "deployment_ids": "2"}, status=303)
    assert (platforms(kit)[0]["name"], platforms(kit)[0]["deployments"]) == ("New name", ["2"])
    with kit.session() as session:
        assert session.scalars(sa.select(Platform.version)).one() > 1, "other processes notice"
