"""The launch log as an admin reads it: the cause, who mends it and how, the checks, and foreign words made harmless."""

from tenants.access import Role
from tenants.lti.launches.models import Launch, Outcome
from tests.features.pages import words
from tests.house import House, Kit

EVIL = "<script>alert(1)</script>"


def logged(kit: Kit, **values: object) -> str:
    with kit.session() as session:
        launch = Launch(platform_name=f"LMS {EVIL}", person_name="Ada King", **values)
        session.add(launch)
        session.flush()
        return str(launch.id)


def test_a_refused_launch_is_explained(house: House) -> None:
    kit = house.academy()
    code = "LTI13_NONCE"
    checks = {
        "login": [["issuer", True, "https://lms.example", "", ""]],
        "launch": [["nonce", False, EVIL, "a fresh one", code]],
    }
    launch_id = logged(kit, outcome=Outcome.REFUSED, code=code, checks=checks, claims={"name": EVIL, "sub": "42"})
    admin = kit.signed_in(Role.ADMIN)
    page = admin.get(f"/integrations/launches/{launch_id}")
    said = words(page).lower()
    problem = house.runtime.problems[code]
    for text in (problem.title, problem.cause, problem.owner, problem.remedy, code, EVIL, "a fresh one", '"sub": "42"'):
        assert text.lower() in said
    assert EVIL not in page
    listed = admin.get("/integrations/launches")
    assert EVIL not in listed
    assert f"/integrations/launches/{launch_id}" in listed


def test_the_list_is_narrowed_by_outcome(house: House) -> None:
    kit = house.academy()
    ids = {outcome: logged(kit, outcome=outcome, checks={}) for outcome in Outcome}
    admin = kit.signed_in(Role.ADMIN)
    for outcome, launch_id in ids.items():
        part = admin.get(f"/integrations/launches?outcome={outcome.value}", headers={"HX-Request": "true"})
        assert "<html" not in part
        assert [each for each in ids.values() if each in part] == [launch_id]
    everything = admin.get("/integrations/launches?outcome=nonsense&before=nonsense").text
    assert all(each in everything for each in ids.values())


def test_the_log_is_for_admins(house: House) -> None:
    kit = house.academy()
    launch_id = logged(kit, outcome=Outcome.WAITING, checks={})
    for address in ("/integrations/launches", f"/integrations/launches/{launch_id}"):
        assert "WEB_FORBIDDEN" in kit.signed_in(Role.AUTHOR).get(address, status=403)
