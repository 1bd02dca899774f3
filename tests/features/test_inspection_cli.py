"""``lyceum lti selftest``, ``lti keys …``, ``lti platform …`` and the narrowed ``launches``: what scripts read of them."""

import contextlib
import io
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

import saas.cli
from tenants.lti.tool.models import Platform
from tests.conformance.platform import Answer, Site
from tests.features import test_cli
from tests.features.test_cli import Desk, platform

desk = test_cli.desk


@pytest.fixture
def known(desk: Desk, site: Site) -> tuple[str, str]:
    """An academy and a platform that answers; the slug and the platform's id."""
    slug, lms = desk.academy(), site.open()
    lms.services["auth"] = lambda _heard: Answer()
    values = {
        "issuer": lms.issuer, "client_id": lms.client_id, "token_url": lms.token_url, "jwks_url": lms.jwks_url,
        "auth_url": f"{site.url}/{lms.name}/auth",
    }  # fmt: skip
    made = desk.json("lti", "platform", "add", slug, *platform(**values), "--deployment-id", "1")
    return slug, made["id"]


def both(desk: Desk, *arguments: str) -> tuple[int, Any, str]:
    """Exit code, the document on stdout, and what stands on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        saas.cli.main(["-c", str(desk.installation.ini), *arguments, "--json"])
    return int(ended.value.code or 0), json.loads(out.getvalue()), err.getvalue()


def test_a_self_test_prints_one_document(desk: Desk, known: tuple[str, str]) -> None:
    slug, platform_id = known
    document = desk.json("lti", "selftest", slug, platform_id)
    assert document["passed"] is True
    (test,) = document["tests"]
    assert (test["platform"], test["key"], test["name"]) == (platform_id, None, "School LMS")
    row = next(row for row in test["rows"] if row["name"] == "forged")
    assert row == {
        "part": "messages", "name": "forged", "title": "A token signed by somebody else under a published name",
        "verdict": "passed", "expected": "LTI13_SIGNATURE", "happened": "LTI13_SIGNATURE", "remark": "",
    }  # fmt: skip
    assert desk.run("lti", "selftest", slug, platform_id).startswith("School LMS: passed\n")


def test_a_self_test_with_red_lines_prints_its_document_and_exits_2(desk: Desk) -> None:
    slug = desk.academy()
    desk.json("lti", "platform", "add", slug, *platform(jwks_url="https://nowhere.invalid/j"), "--deployment-id", "1")
    code, document, said = both(desk, "lti", "selftest", slug)
    assert (code, document["passed"]) == (2, False)
    assert said == "error: a self-test has red lines\n"
    red = [row["name"] for row in document["tests"][0]["rows"] if row["verdict"] == "failed"]
    assert "jwks_dns" in red


def test_a_self_test_of_a_key(desk: Desk) -> None:
    desk.run("demo")
    activity = desk.json("course", "list", "north")[0]["activities"][0]["id"]
    key = desk.json("lti", "consumer", "add", "north", activity, "--name", "Old LMS")
    document = desk.json("lti", "selftest", "north", "--key", key["id"])
    (test,) = document["tests"]
    assert (test["platform"], test["key"], test["name"]) == (None, key["id"], "Old LMS")
    assert {row["part"] for row in test["rows"]} == {"messages"}
    assert key["secret"] not in json.dumps(document)


def test_what_cannot_be_tested_is_one_line(desk: Desk, known: tuple[str, str]) -> None:
    slug, platform_id = known
    assert "WEB_NOT_FOUND" in desk.run("lti", "selftest", slug, str(uuid4()), code=2)
    assert "PLATFORM is an id" in desk.run("lti", "selftest", slug, "school", code=2)
    assert "not both" in desk.run("lti", "selftest", slug, platform_id, "--key", str(uuid4()), code=2)
    assert "LTI_OFF" in desk.run("lti", "selftest", desk.academy(lti=False), code=2)
    assert desk.json("lti", "selftest", desk.academy()) == {"passed": True, "tests": []}


def test_keys_are_listed_rotated_and_replaced(desk: Desk) -> None:
    slug = desk.academy()
    listed = desk.json("lti", "keys", "list", slug)
    assert sorted(key["state"] for key in listed["keys"]) == ["active", "next"]
    assert set(listed) == {"keys", "rotates_at", "paste_anew"}
    assert "LTI_KEY_UNKNOWN_YET" in desk.run("lti", "keys", "rotate", slug, code=2)
    assert desk.json("lti", "keys", "list", slug) == listed
    old = {key["kid"] for key in listed["keys"]}
    done = desk.json("lti", "keys", "rotate", slug, "--emergency")
    assert set(done["removed"]) == old
    assert not old & {key["kid"] for key in done["keys"]}
    assert desk.json("lti", "keys", "list", slug)["keys"] == done["keys"]
    assert "PRIVATE" not in json.dumps(done)


def test_a_platform_is_switched_approved_and_checked(desk: Desk, known: tuple[str, str]) -> None:
    slug, platform_id = known
    assert desk.json("lti", "platform", "activate", slug, platform_id)["activated"] is True
    assert desk.json("lti", "platform", "deactivate", slug, platform_id)["activated"] is False
    assert desk.json("lti", "platform", "list", slug)[0]["activated"] is False
    assert desk.json("lti", "platform", "approve", slug, platform_id)["activated"] is True
    found = desk.json("lti", "platform", "check", slug, platform_id)
    assert found["passed"] is True
    assert {row["name"]: row["verdict"] for row in found["rows"]}["jwks_keys"] == "passed"
    other = desk.academy()
    for command in ("activate", "deactivate", "approve", "check"):
        assert "WEB_NOT_FOUND" in desk.run("lti", "platform", command, other, platform_id, code=2)
    assert desk.json("lti", "platform", "list", slug)[0]["activated"] is True


def test_a_platform_that_waits_for_approval_is_told_from_one_that_is_paused(desk: Desk) -> None:
    slug = desk.academy()
    made = desk.json("lti", "platform", "add", slug, *platform(), "--deployment-id", "1")
    assert (made["approved"], made["activated"]) == (True, False)
    with desk.session(slug) as session:
        session.get_one(Platform, UUID(made["id"])).approved_at = None
    assert [(row["approved"], row["activated"]) for row in desk.json("lti", "platform", "list", slug)] == [
        (False, False)
    ]
    assert "LTI13_NOT_APPROVED" in desk.run("lti", "platform", "activate", slug, made["id"], code=2)
    assert desk.json("lti", "platform", "approve", slug, made["id"])["approved"] is True


def test_a_platform_with_a_wrong_address_is_found_by_its_check(desk: Desk) -> None:
    slug = desk.academy()
    made = desk.json(
        "lti", "platform", "add", slug, *platform(jwks_url="https://nowhere.invalid/j"), "--deployment-id", "1"
    )
    code, document, said = both(desk, "lti", "platform", "check", slug, made["id"])
    assert (code, document["passed"], said) == (2, False, "error: an address of the platform is wrong\n")
