"""``lyceum lti tool …``: the JSON that scripts read, the one line they log, and what is left behind."""

from pathlib import Path
from uuid import uuid4

import pytest

from tenants.lti.platform.models import Tool
from tenants.lti.platform.tools import Tools
from tests.conformance.platform import Answer, Site
from tests.features.test_cli import Desk, desk
from tests.features.test_inspection_cli import both

__all__ = ["desk"]
TOOL = ("--name", "Vendor", "--oidc-url", "https://tool.example/login", "--jwks-url", "https://tool.example/jwks")


def test_a_tool_is_added_listed_and_activated(desk: Desk) -> None:
    slug = desk.academy()
    made = desk.json(
        "lti", "tool", "add", slug, *TOOL, "--redirect-uri", "https://tool.example/a", "--redirect-uri",
        "https://tool.example/b", "--custom", "level=3",
    )  # fmt: skip
    assert (made["name"], made["activated"], made["approved"]) == ("Vendor", False, True)
    assert made["redirect_uris"] == ["https://tool.example/a", "https://tool.example/b"]
    assert made["custom"] == {"level": "3"}
    base = desk.installation.url(slug)
    assert made["ours"] == {
        "issuer": base,
        "authorize_url": f"{base}/lti/authorize",
        "token_url": f"{base}/lti/token",
        "jwks_url": f"{base}/lti/jwks",
        "configuration_url": f"{base}/.well-known/openid-configuration",
        "client_id": made["ours"]["client_id"],
        "deployment_id": made["ours"]["deployment_id"],
    }
    assert len(made["ours"]["client_id"]) >= 32
    assert desk.json("lti", "tool", "list", slug) == [made]
    assert desk.json("lti", "tool", "activate", slug, made["id"])["activated"] is True
    assert desk.json("lti", "tool", "list", slug)[0]["activated"] is True
    assert desk.json("lti", "tool", "deactivate", slug, made["id"])["activated"] is False
    assert "Vendor" in desk.run("lti", "tool", "list", slug)


def test_a_tool_with_a_key_of_its_own(desk: Desk, tmp_path: Path) -> None:
    slug, file = desk.academy(), tmp_path / "key.pem"
    file.write_text("no key")
    asked = ("lti", "tool", "add", slug, *TOOL[:4], "--public-key", str(file))
    assert "pasted_key" in desk.run(*asked, code=2)
    assert desk.json("lti", "tool", "list", slug) == []


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--oidc-url", "javascript:alert(1)", "login_url"),
        ("--jwks-url", "https://10.0.0.1/jwks", "jwks_url"),
        ("--redirect-uri", "http://tool.example/", "redirect_urls"),
        ("--custom", "sub=me", "custom"),
    ],
)
def test_what_cannot_be_used_is_named(desk: Desk, option: str, value: str, named: str) -> None:
    slug = desk.academy()
    assert named in desk.run("lti", "tool", "add", slug, *TOOL, option, value, code=2)
    assert desk.json("lti", "tool", "list", slug) == []


def test_a_tool_that_waits_is_approved_before_it_is_activated(desk: Desk) -> None:
    slug = desk.academy()
    made = desk.json("lti", "tool", "add", slug, *TOOL)
    with desk.session(slug) as session:
        session.query(Tool).one().approved_at = None
    assert "LTI13_TOOL_NOT_APPROVED" in desk.run("lti", "tool", "activate", slug, made["id"], code=2)
    assert desk.json("lti", "tool", "approve", slug, made["id"])["activated"] is True
    assert "WEB_CONFLICT" in desk.run("lti", "tool", "approve", slug, made["id"], code=2)


def test_ids_of_others_and_academies_without_lti(desk: Desk) -> None:
    slug, other, off = desk.academy(), desk.academy(), desk.academy(lti=False)
    made = desk.json("lti", "tool", "add", slug, *TOOL)
    assert "WEB_NOT_FOUND" in desk.run("lti", "tool", "activate", other, made["id"], code=2)
    assert "WEB_NOT_FOUND" in desk.run("lti", "tool", "activate", slug, str(uuid4()), code=2)
    assert "TOOL is an id" in desk.run("lti", "tool", "activate", slug, "first", code=2)
    assert "LTI_OFF" in desk.run("lti", "tool", "add", off, *TOOL, code=2)
    with desk.session(slug) as session:
        assert len(Tools(session, desk.runtime.outbound).all()) == 1


def test_the_addresses_are_asked_and_a_wrong_one_is_an_error(desk: Desk) -> None:
    slug = desk.academy()
    made = desk.json(
        "lti",
        "tool",
        "add",
        slug,
        "--name",
        "Nowhere",
        "--oidc-url",
        "https://tool.invalid/login",
        "--jwks-url",
        "https://tool.invalid/jwks",
    )
    assert "an address of the tool is wrong" in desk.run("lti", "tool", "check", slug, made["id"], code=2)


@pytest.mark.parametrize("named", [True, False])
def test_a_self_test_prints_one_document(desk: Desk, site: Site, named: bool) -> None:
    slug, double = desk.academy(), site.open()
    double.services["auth"] = lambda _heard: Answer()
    made = desk.json(
        "lti", "tool", "add", slug, "--name", "Vendor", "--oidc-url", f"{site.url}/{double.name}/auth", "--jwks-url", double.jwks_url
    )  # fmt: skip
    asked = ("lti", "tool", "selftest", slug, *([made["id"]] if named else []))
    document = desk.json(*asked)
    assert document["passed"] is True
    (test,) = document["tests"]
    assert (test["tool"], test["platform"], test["key"], test["name"]) == (made["id"], None, None, "Vendor")
    assert next(row for row in test["rows"] if row["name"] == "score_foreign") == {
        "part": "messages", "name": "score_foreign", "title": "A score in a grade column of another tool",
        "verdict": "passed", "expected": "CALL_NOT_YOURS", "happened": "CALL_NOT_YOURS", "remark": "",
    }  # fmt: skip
    assert desk.run(*asked).startswith("Vendor: passed\n")
    assert desk.json("results", slug) == [], "nothing of what was played stays"


def test_a_self_test_with_red_lines_exits_2(desk: Desk) -> None:
    slug = desk.academy()
    desk.json("lti", "tool", "add", slug, *TOOL[:4], "--jwks-url", "https://nowhere.invalid/jwks")
    code, document, said = both(desk, "lti", "tool", "selftest", slug)
    assert (code, document["passed"], said) == (2, False, "error: a self-test has red lines\n")
    red = [row["name"] for row in document["tests"][0]["rows"] if row["verdict"] == "failed"]
    assert "jwks_dns" in red
    assert "TOOL is an id" in desk.run("lti", "tool", "selftest", slug, "vendor", code=2)
    assert "WEB_NOT_FOUND" in desk.run("lti", "tool", "selftest", slug, str(uuid4()), code=2)
    assert "LTI_OFF" in desk.run("lti", "tool", "selftest", desk.academy(lti=False), code=2)
