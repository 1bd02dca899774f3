"""Integrations → LTI 1.3 → Add new Tool: entered, read from JSON, shown to the vendor, watched, paused, deleted."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from saas import clock
from saas.problems import Refused
from tenants.access import Role
from tenants.integrations.services import first_steps
from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.platform.grants import ToolInvitation, ToolToken
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool, ToolKeys, ToolLink
from tenants.lti.platform.tool_keys import ToolKeySets
from tenants.lti.platform.tools import ALL_SCOPES, Tools, ToolValues
from tenants.lti.wire import ags, jws
from tenants.lti.wire.jws import RSA_ALGORITHMS
from tests.conformance.platform import PlatformDouble, Site, rsa
from tests.conformance.visits import perform
from tests.features.pages import faults, rows_in, words
from tests.house import House, Kit, forms_of

PAGES = "/integrations/lti-1.3/tools"
NEW = f"{PAGES}/new"
GOOD = {
    "name": "Vendor", "login_url": "https://tool.example/login", "jwks_url": "https://tool.example/jwks", "pasted_key": "",
    "redirect_urls": "https://tool.example/launch\r\nhttps://tool.example/pick", "target_url": "", "deep_link_url": "",
    "icon_url": "", "custom": "level=3", "send_name": "y", "scopes": ags.SCORE_SCOPE, "is_active": "y",
}  # fmt: skip


def tools(kit: Kit) -> list[Tool]:
    with kit.session() as session:
        found = list(Tools(session, kit.runtime.outbound).all())
        session.expunge_all()
        return found


def made(kit: Kit, **changed: Any) -> Tool:
    with kit.session() as session:
        values = {
            "name": "Vendor",
            "login_url": "https://tool.example/login",
            "jwks_url": "https://tool.example/jwks",
            "is_active": True,
        }
        tool = Tools(session, kit.runtime.outbound).create(ToolValues(**{**values, **changed}))
        session.refresh(tool)
        session.expunge(tool)
        return tool


def opened_by(kit: Kit, tool: Tool, title: str) -> None:
    """An activity that opens the tool."""
    activity = kit.activity(title)
    with kit.session() as session:
        session.add(
            ToolLink(
                activity_id=activity.id, lti_version=Protocol.LTI_13, tool_id=tool.id, resource_link_id=uuid4().hex
            )
        )


def public_key() -> str:
    return rsa().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def form_on(page: Any, ending: str) -> Any:
    return next(form for form in forms_of(page) if form.action.endswith(ending))


def test_a_tool_is_entered_and_its_vendor_gets_ours(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    page = admin.post(NEW, GOOD, status=303).follow()
    (tool,) = tools(kit)
    assert (tool.name, tool.login_url, tool.is_active) == ("Vendor", GOOD["login_url"], True)
    assert tool.redirect_urls == ["https://tool.example/launch", "https://tool.example/pick"]
    assert (tool.custom, tool.scopes) == ([["level", "3"]], [ags.SCORE_SCOPE])
    assert (tool.send_name, tool.send_email) == (True, False)
    url = kit.academy.url
    for value in (
        tool.client_id, tool.deployment_id, f"{url}/lti/authorize", f"{url}/lti/token", f"{url}/lti/jwks",
        f"{url}/.well-known/openid-configuration",
    ):  # fmt: skip
        assert value in page
    assert page.html.find(id="our-issuer").text == url, "the issuer is the address alone"
    assert page.text.count("data-copy=") == 8
    letter = page.html.find(id="our-letter").text.splitlines()
    assert letter[:3] == [f"Issuer: {url}", f"Client ID: {tool.client_id}", f"Deployment ID: {tool.deployment_id}"]
    assert len(letter) == 7
    assert "Waiting for first launch" in words(admin.get("/integrations/lti-1.3"))


def test_pasted_values_are_cleaned_and_the_page_says_which(house: House) -> None:
    kit = house.academy()
    pasted = {
        "login_url": " https://tool.example/login\u200b",
        "redirect_urls": " https://tool.example/a \r\nhttps://tool.example/b",
    }
    page = words(kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, **pasted}, status=303).follow())
    said = page[page.index("were removed from") :]
    assert "OIDC URL, Redirect URIs" in said
    (tool,) = tools(kit)
    assert (tool.login_url, tool.redirect_urls) == (
        GOOD["login_url"],
        ["https://tool.example/a", "https://tool.example/b"],
    )


def test_identifiers_are_ours_and_nobody_guesses_them(house: House) -> None:
    kit = house.academy()
    several = [made(kit) for _ in range(5)]
    assert len({tool.client_id for tool in several} | {tool.deployment_id for tool in several}) == 10
    assert all(len(tool.client_id) >= 32 for tool in several)
    with kit.session() as session:
        found = Tools(session, kit.runtime.outbound)
        assert found.by_client(several[0].client_id) is not None
        assert found.by_client(several[0].client_id.swapcase()) is None
    with house.academy().session() as session:
        assert Tools(session, kit.runtime.outbound).by_client(several[0].client_id) is None


@pytest.mark.parametrize(
    ("changed", "marked"),
    [
        ({"name": "\u200b "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"login_url": ""}, "login_url"),
        ({"login_url": "javascript:alert(1)"}, "login_url"),
        ({"login_url": "http://tool.example/login"}, "login_url"),
        ({"login_url": "https://user:pass@tool.example/"}, "login_url"),
        ({"jwks_url": ""}, "jwks_url"),
        ({"jwks_url": "https://[::ffff:169.254.169.254]/"}, "jwks_url"),
        ({"jwks_url": "https://0x0a000001/"}, "jwks_url"),
        ({"jwks_url": "", "pasted_key": "no key"}, "pasted_key"),
        ({"redirect_urls": "https://tool.example/a\nhttps://10.0.0.1/b"}, "redirect_urls"),
        ({"redirect_urls": "https://tool.example/a#b"}, "redirect_urls"),
        ({"redirect_urls": "\n".join(f"https://tool.example/{number}" for number in range(21))}, "redirect_urls"),
        ({"target_url": "data:text/html,x"}, "target_url"),
        ({"deep_link_url": "tool.example"}, "deep_link_url"),
        ({"icon_url": "javascript:x"}, "icon_url"),
        ({"custom": "sub=somebody"}, "custom"),
        ({"custom": "https://purl.imsglobal.org/spec/lti/claim/roles=x"}, "custom"),
        ({"custom": "=value"}, "custom"),
        ({"custom": "a=1\na=2"}, "custom"),
        ({"scopes": "https://other.example/scope"}, "scopes"),
    ],
)
def test_faults_stand_at_their_fields_and_nothing_is_registered(
    house: House, changed: dict[str, str], marked: str
) -> None:
    kit = house.academy()
    page = kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, **changed}, status=422)
    assert (faults(page), tools(kit)) == ({marked}, [])
    assert "https://tool.example/" in page, "what was typed stays"


def test_everything_that_is_missing_is_said_at_once(house: House) -> None:
    page = house.academy().signed_in(Role.ADMIN).post(NEW, {"pasted_key": ""}, status=422)
    assert faults(page) == {"name", "login_url", "jwks_url"}
    assert "or paste the tool's public key under “Rarely needed”" in words(page)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\u2028b", "a\x00b", "x" * 3000])
def test_no_parameter_brings_a_line_along(house: House, value: str) -> None:
    kit = house.academy()
    with pytest.raises(InvalidValues) as caught:
        made(kit, custom=(("level", value),))
    assert set(caught.value.fields) == {"custom"}
    assert tools(kit) == []


def test_a_pasted_key_stands_in_for_the_address(house: House) -> None:
    kit = house.academy()
    kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, "jwks_url": "", "pasted_key": f"\n{public_key()}"}, status=303)
    assert tools(kit)[0].jwks_url == ""


def test_fields_are_checked_on_leaving_them(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)

    def verdict(field: str, value: str) -> str:
        answer = admin.post(f"{PAGES}/check/{field}", {field: value}, headers={"HX-Request": "true"}, status=200)
        assert "<html" not in answer
        return words(answer)

    assert "This can be used." in verdict("login_url", GOOD["login_url"])
    assert "Error: This field is needed" in verdict("login_url", "")
    assert "will be removed: https://tool.example/x" in verdict("jwks_url", " https://tool.example/x\u200b")
    assert "Error:" in verdict("redirect_urls", "https://tool.example/a\r\nhttp://tool.example/b")
    assert "This can be used." in verdict("redirect_urls", "https://tool.example/a\r\nhttps://tool.example/b")
    assert "Error: “nonce” is reserved" in verdict("custom", "nonce=1")
    assert verdict("deep_link_url", "") == ""
    page = admin.get(NEW).text
    for field in ("login_url", "jwks_url", "redirect_urls", "target_url", "deep_link_url", "icon_url", "custom"):
        assert f'hx-post="{PAGES}/check/{field}"' in page


def test_an_edit_is_a_new_version_that_ends_tokens_and_keys(house: House) -> None:
    kit = house.academy()
    tool, admin = made(kit), kit.signed_in(Role.ADMIN)
    with kit.session() as session:
        session.add(ToolToken(tool_id=tool.id, token_hash="x", scopes=[], expires_at=clock.now() + timedelta(hours=1)))
        session.scalars(sa.select(ToolKeys)).one().document = "old"
    form = form_on(admin.get(f"{PAGES}/{tool.id}/edit"), "/edit")
    assert form["login_url"].value == tool.login_url
    assert sorted(field.value for field in form.fields["scopes"] if field.checked) == sorted(ALL_SCOPES)
    form["name"] = "New name"
    form.submit(status=303)
    (now,) = tools(kit)
    assert (now.name, now.client_id, now.scopes) == ("New name", tool.client_id, list(ALL_SCOPES))
    assert now.version > tool.version
    with kit.session() as session:
        assert session.scalars(sa.select(ToolToken)).all() == []
        assert session.scalars(sa.select(ToolKeys)).one().document == ""
    admin.post(f"{PAGES}/{tool.id}/edit", {**GOOD, "login_url": "nowhere"}, status=422)
    assert tools(kit)[0].name == "New name"


def test_pausing_ends_access_at_once(house: House) -> None:
    kit = house.academy()
    tool, admin = made(kit), kit.signed_in(Role.ADMIN)
    with kit.session() as session:
        session.add(ToolToken(tool_id=tool.id, token_hash="x", scopes=[], expires_at=clock.now() + timedelta(hours=1)))
    form_on(admin.get(f"{PAGES}/{tool.id}"), "/switch").submit(status=303)
    assert tools(kit)[0].is_active is False
    with kit.session() as session:
        assert session.scalars(sa.select(ToolToken)).all() == []
    form_on(admin.get(f"{PAGES}/{tool.id}"), "/switch").submit(status=303)
    assert tools(kit)[0].is_active is True


def test_deleting_names_the_activities_that_lose_it(house: House) -> None:
    kit = house.academy()
    tool, other, admin = made(kit), made(kit, name="Other"), kit.signed_in(Role.ADMIN)
    opened_by(kit, tool, "Fire safety")
    opened_by(kit, tool, "First aid")
    opened_by(kit, other, "Something else")
    assert "Fire safety" in admin.get(f"{PAGES}/{tool.id}")
    page = admin.get(f"{PAGES}/{tool.id}/delete")
    assert "2 activities open this tool" in words(page)
    assert "Fire safety" in page
    assert "First aid" in page
    assert "Something else" not in page
    form_on(page, "/delete").submit(status=303)
    assert [each.name for each in tools(kit)] == ["Other"]
    with kit.session() as session:
        assert len(session.scalars(sa.select(ToolLink)).all()) == 1
    assert "No activity opens it." not in words(admin.get(f"{PAGES}/{other.id}/delete"))


def test_the_page_tells_how_it_goes(house: House) -> None:
    kit = house.academy()
    tool, admin = made(kit), kit.signed_in(Role.ADMIN)
    other = made(kit, name="Other")
    page = words(admin.get(f"{PAGES}/{tool.id}"))
    assert "Waiting for first launch" in page
    assert "Last launch – Last score –" in page
    now = clock.now()
    with kit.session() as session:
        for minutes, outcome, code in ((30, Outcome.ACCEPTED, ""), (20, Outcome.REFUSED, "LTI13_STATE")):
            checks = {"launch": [["state", False, "seen-by-the-check", "", code]]} if code else {}
            session.add(Launch(
                direction=Direction.OUT, tool_id=tool.id, platform_name=tool.name, outcome=outcome, code=code,
                started_at=now - timedelta(minutes=minutes), checks=checks,
            ))  # fmt: skip
        note_call(session, Service.SCORE, status=200, tool=tool)
        note_call(session, Service.SCORE, status=404, code="WEB_NOT_FOUND", seen="a foreign column", tool=tool)
        note_call(session, Service.SCORE, status=404, code="WEB_NOT_FOUND", seen="of the other", tool=other)
    page = words(admin.get(f"{PAGES}/{tool.id}"))
    assert "The last launch was refused" in page
    for text in ("30 minutes ago", "a foreign column", "seen-by-the-check", "LTI13_STATE", "This launch is over"):
        assert text in page, text
    assert "of the other" not in page
    assert "Last score –" not in page
    assert "Score There is nothing here" in page, "the service by its name"
    overview = words(admin.get("/integrations/lti-1.3"))
    assert "Failing" in overview
    for path in ("/", "/integrations"):
        assert "The last launch of the tool Vendor was refused." in words(admin.get(path))


def test_what_was_opened_here_is_no_launch_from_another_system(house: House) -> None:
    """For the first steps of an academy that shares its activities."""
    kit = house.academy()
    for direction in (Direction.OUT, Direction.IN):
        with kit.session() as session:
            session.add(Launch(direction=direction, outcome=Outcome.ACCEPTED, started_at=clock.now()))
            session.flush()
            assert first_steps(session).was_launched is (direction is Direction.IN)


def test_integrations_counts_tools_and_says_which_waits(house: House) -> None:
    kit = house.academy()
    made(kit)
    waiting = made(kit, name="Newcomer", is_active=False)
    with kit.session() as session:
        session.get_one(Tool, waiting.id).approved_at = None
    page = kit.signed_in(Role.ADMIN).get("/integrations")
    for part in ("0 platforms · 2 tools", "Needs you", "Newcomer has registered itself as a tool and waits"):
        assert part in words(page), part
    assert page.click("Decide").request.path == f"{PAGES}/{waiting.id}"


CANVAS = {
    "title": "Canvas tool", "oidc_initiation_url": "https://tool.example/login", "public_jwk_url": "https://tool.example/jwks",
    "target_link_uri": "https://tool.example/launch", "scopes": [ags.SCORE_SCOPE, "https://other.example/scope"],
    "custom_fields": {"level": "$User.id"}, "privacy_level": "anonymous",
}  # fmt: skip


def test_a_pasted_configuration_fills_the_form_and_saves_nothing(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    page = admin.post(f"{PAGES}/paste", {"configuration": json.dumps(CANVAS, indent=2)}, status=200)
    assert "Nothing is saved yet" in words(page)
    assert "no such service: https://other.example/scope" in words(page)
    assert tools(kit) == []
    form = form_on(page, "/new")
    assert (form["name"].value, rows_in(form)) == ("Canvas tool", [("level", "$User.id")])
    form.submit(status=303)
    (tool,) = tools(kit)
    assert (tool.login_url, tool.target_url, tool.scopes) == (
        CANVAS["oidc_initiation_url"],
        CANVAS["target_link_uri"],
        [ags.SCORE_SCOPE],
    )
    assert (tool.send_name, tool.send_email, tool.is_active) == (False, False, False)
    for nonsense in ("", "{", '{"title": "x"}', "x" * 300_000):
        if len(nonsense) < 200_000:
            assert faults(admin.post(f"{PAGES}/paste", {"configuration": nonsense}, status=422)) == {"configuration"}
        else:
            admin.post(f"{PAGES}/paste", {"configuration": nonsense}, status=413)


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "http://tool.example/r", "https://10.0.0.1/r", "https://localhost.example:0/"]
)
def test_an_invitation_goes_to_addresses_of_the_web_only(house: House, url: str) -> None:
    kit = house.academy()
    assert faults(kit.signed_in(Role.ADMIN).post(f"{PAGES}/invitations", {"url": url}, status=422)) == {"url"}
    with kit.session() as session:
        assert session.scalars(sa.select(ToolInvitation)).all() == []


def test_the_page_of_an_invitation_says_what_became_of_it(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    page = admin.post(f"{PAGES}/invitations", {"url": "https://tool.example/register"}, status=200)
    assert page.html.find("a", {"target": "_blank"})["rel"] == ["noopener", "noreferrer"]
    with kit.session() as session:
        invitation_id = session.scalars(sa.select(ToolInvitation.id)).one()
    path, htmx = f"{PAGES}/invitations/{invitation_id}", {"HX-Request": "true"}
    assert "Waiting for the tool" in admin.get(path, headers=htmx, status=200)
    assert "registration_token" not in admin.get(path)
    assert "shown once, before" in words(admin.get(path))
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=True):
        over = admin.get(path, headers=htmx, status="*")
        assert over.status_int in (286, 303), "the session may be over, too"
    house.academy().signed_in(Role.ADMIN).get(path, status=404)


def test_other_academies_and_other_people_have_no_part_in_it(house: House) -> None:
    kit = house.academy()
    tool, foreign = made(kit), house.academy().signed_in(Role.ADMIN)
    for path in ("", "/edit", "/delete"):
        foreign.get(f"{PAGES}/{tool.id}{path}", status=404)
    for path in ("/edit", "/switch", "/delete", "/approve", "/decline"):
        foreign.post(f"{PAGES}/{tool.id}{path}", {"on": ""}, status=404)
    author = kit.signed_in(Role.AUTHOR)
    author.get(NEW, status=403)
    author.get(f"{PAGES}/{tool.id}", status=403)
    assert tools(kit)[0].is_active is True
    off = house.academy(lti=False).signed_in(Role.ADMIN)
    for page in (
        off.get(NEW, status=403),
        off.post(f"{PAGES}/paste", {}, status=403),
        off.post(f"{PAGES}/invitations", {}, status=403),
    ):
        assert "LTI_OFF" in page


def proof(platform: PlatformDouble, kid: str = "") -> jws.Token:
    return jws.parse(platform.sign({"iss": "x"}, kid=kid) if kid else platform.sign({"iss": "x"}))


def test_a_tools_keys_are_fetched_kept_and_looked_for_again(house: House, site: Site) -> None:
    kit, platform = house.academy(), site.open()
    tool, keys = made(kit, jwks_url=platform.jwks_url), kit.runtime.part(ToolKeySets)
    assert jws.verify(proof(platform), keys.verifying_key(kit.academy.id, tool, proof(platform)))
    for number in range(20):
        with pytest.raises(Refused) as caught:
            keys.verifying_key(kit.academy.id, tool, proof(platform, f"kid-{number}"))
        assert caught.value.code == "LTI13_KEY_NOT_FOUND"
    assert "key-0" in caught.value.wanted
    assert platform.looks == 2, "an unknown kid makes one look in half a minute"
    another = ToolKeySets(kit.runtime.database, kit.runtime.outbound)
    another.verifying_key(kit.academy.id, tool, proof(platform))
    assert platform.looks == 2, "what one process fetched serves the others"
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        platform.rotate(1)
        assert jws.verify(proof(platform), keys.verifying_key(kit.academy.id, tool, proof(platform)))


def test_keys_that_cannot_be_read(house: House, site: Site) -> None:
    kit, platform = house.academy(), site.open()
    nowhere = made(kit, jwks_url="http://127.0.0.1:1/jwks")
    with pytest.raises(Refused) as caught:
        kit.runtime.part(ToolKeySets).verifying_key(kit.academy.id, nowhere, proof(platform))
    assert caught.value.code == "LTI13_JWKS_UNREACHABLE"
    assert "tool's" in caught.value.wanted
    assert "Cannot be read" in words(kit.signed_in(Role.ADMIN).get(f"{PAGES}/{nowhere.id}"))
    pasted = made(kit, jwks_url="", pasted_key=public_key())
    found = kit.runtime.part(ToolKeySets).verifying_key(kit.academy.id, pasted, proof(platform, "any"))
    assert found.algorithms == RSA_ALGORITHMS


def test_its_addresses_are_asked_live(house: House, site: Site) -> None:
    kit, platform = house.academy(), site.open()
    admin, before = kit.signed_in(Role.ADMIN), platform.looks
    good = made(kit, login_url=platform.token_url, jwks_url=platform.jwks_url)
    bad = made(kit, login_url="http://127.0.0.1:1/login", jwks_url=platform.jwks_url)
    form_on(admin.get(f"{PAGES}/{good.id}"), "/addresses")
    assert "Not asked yet" in words(admin.get(f"{PAGES}/{good.id}/addresses"))
    assert platform.looks == before, "looking at the page asks nobody"
    page = words(form_on(admin.get(f"{PAGES}/{good.id}/addresses"), "/addresses").submit(status=200))
    assert "1 usable" in page
    assert "The other system's keys can be used Passed" in page
    assert platform.looks == before + 2, "each address once, and both are the same here"
    page = words(admin.post(f"{PAGES}/{bad.id}/addresses", status=200))
    assert "One line is red." in page
    assert "OIDC URL: it answers Failed" in page
    house.academy().signed_in(Role.ADMIN).post(f"{PAGES}/{good.id}/addresses", status=404)


def test_invitations_that_nothing_came_of_are_forgotten(house: House) -> None:
    kit = house.academy()
    tool, old = made(kit), clock.now() - timedelta(days=8)
    with kit.session() as session:
        for number, (tool_id, at) in enumerate(((None, old), (None, clock.now()), (tool.id, old))):
            session.add(
                ToolInvitation(
                    token_hash=str(number),
                    url="https://tool.example",
                    made_by="x",
                    tool_id=tool_id,
                    created_at=at,
                    expires_at=at,
                )
            )
    perform(kit, "lti.forget_tool_invitations")
    with kit.session() as session:
        assert sorted(session.scalars(sa.select(ToolInvitation.token_hash))) == ["1", "2"]
