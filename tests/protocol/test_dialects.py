"""What we know of other products, as data; the language and the roles of a launch in every spelling."""

import pytest

from tenants.lti.wire.dialects import DIALECTS, Dialect, Need, dialect_of, switch_for
from tenants.lti.wire.locales import best_language, language_tag
from tenants.lti.wire.roles import Roles, split_roles
from tenants.lti.wire.text import SHOWN_LIMIT
from tenants.problems.lti import LTI_PROBLEMS
from tests.protocol.consumer import fields, post, refusal


def test_every_product_of_the_field_says_how_each_parameter_is_sent() -> None:
    assert {dialect.name for dialect in DIALECTS} == {"Moodle", "Canvas", "Blackboard", "Brightspace", "Sakai"}
    families = [family for dialect in DIALECTS for family in dialect.families]
    assert len(families) == len(set(families))
    assert all(family == family.lower() for family in families)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("need", Need)
def test_a_missing_parameter_is_named_with_the_switch_that_sends_it(dialect: Dialect, need: Need) -> None:
    family = min(dialect.families).upper()
    assert switch_for(need, family) == f"{dialect.name}: {dialect.switches[need]}"
    changes = {"lis_person_name_full": "", "tool_consumer_info_product_family_code": family}
    refused = refusal(post(fields(need.value, **changes)))
    assert f"{need.value}: missing" in refused.seen
    assert refused.wanted == f"{need.value}; {switch_for(need, family)}"
    assert len(refused.wanted) < SHOWN_LIMIT


@pytest.mark.parametrize("code", ["LTI_PERSON_EMAIL", "LTI_PERSON_NAME"])
def test_the_remedy_on_screen_names_every_product(code: str) -> None:
    """The catalogue of problems lies below LTI and cannot read our table."""
    (problem,) = (each for each in LTI_PROBLEMS if each.code == code)
    assert [dialect.name for dialect in DIALECTS if f"{dialect.name}: " not in problem.remedy] == []


def test_an_unknown_product_gets_general_words() -> None:
    assert dialect_of("ilias") is None
    assert "tool settings" in switch_for(Need.EMAIL, "ilias")
    assert dialect_of(" MOODLE ") is DIALECTS[0]


def test_each_need_has_its_name_in_lti_1_3() -> None:
    assert [need.claim for need in Need] == ["sub", "email", "given_name", "family_name"]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("nl", "nl"),
        ("en-US", "en-US"),
        ("en_us", "en-US"),
        ("EN", "en"),
        ("nl_NL.UTF-8", "nl-NL"),
        ("de_DE@euro", "de-DE"),
        ("de;q=0.9", "de"),
        ("fr-CA,fr;q=0.8", "fr-CA"),
        ("zh_hans_cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("de_kids", "de-Kids"),
        ("sr-Latn", "sr-Latn"),
        ("ca-ES-valencia", "ca-ES"),
        ("fil", "fil"),
        ("", ""),
        ("C", ""),
        ("english", ""),
        ("../etc", ""),
        ("<b>", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_the_language_of_a_launch_in_every_spelling(text: object, tag: str) -> None:
    assert language_tag(text) == tag


@pytest.mark.parametrize(
    ("asked", "offered", "best"),
    [
        ("nl_NL", ["en", "nl"], "nl"),
        ("en-GB", ["en-US", "nl"], "en-US"),
        ("en-GB", ["en-US", "en_GB"], "en_GB"),
        ("pt-BR", ["pt", "pt-PT"], "pt"),
        ("fr", ["en", "nl"], ""),
        ("", ["en"], ""),
        ("xx!", ["en"], ""),
    ],
)
def test_the_best_language_on_offer(asked: str, offered: list[str], best: str) -> None:
    assert best_language(asked, offered) == best


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("urn:lti:role:ims/lis/TeachingAssistant", "context/TeachingAssistant"),
        ("URN:LTI:ROLE:IMS/LIS/Learner/GuestLearner", "context/Learner#GuestLearner"),
        ("urn:lti:instrole:ims/lis/Student", "institution/Student"),
        ("urn:lti:sysrole:ims/lis/User", "system/User"),
        ("http://purl.imsglobal.org/vocab/lis/v2/membership#Learner", "context/Learner"),
        (
            "http://purl.imsglobal.org/vocab/lis/v2/membership/Learner#NonCreditLearner",
            "context/Learner#NonCreditLearner",
        ),
        ("http://purl.imsglobal.org/vocab/lis/v2/person#Administrator", "institution/Administrator"),
        ("http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty", "institution/Faculty"),
        ("http://purl.imsglobal.org/vocab/lis/v2/system/person#SysSupport", "system/SysSupport"),
    ],
)
def test_t1_042_roles_in_every_spelling(text: str, role: str) -> None:
    assert split_roles(f"{text},,") == Roles((role,))
