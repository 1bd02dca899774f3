"""Every refusal has words a person can use, and every code the protocol raises is in the list."""

import re
from pathlib import Path

import pytest

from saas.problems import Catalogue, Problem
from tenants.lti import wire
from tenants.problems import owners
from tenants.problems.lti import LTI_PROBLEMS as PROBLEMS

CODE = re.compile(r'"((?:LTI13|LTI11|LTI|AGS|OUTCOME|NRPS)_[A-Z_]+)"')


def test_each_code_is_declared_once() -> None:
    assert len(list(Catalogue(PROBLEMS))) == len(PROBLEMS)


def test_every_code_the_protocol_raises_is_declared() -> None:
    raised = {code for module in Path(wire.__file__).parent.glob("*.py") for code in CODE.findall(module.read_text())}
    assert len(raised) > 30
    assert raised <= {problem.code for problem in PROBLEMS}


def test_the_codes_are_those_of_the_specification() -> None:
    launch = {
        "LOGIN_PARAM",
        "NO_REGISTRATION",
        "AMBIGUOUS_CLIENT",
        "INACTIVE",
        "DEPLOYMENT",
        "TARGET",
        "PLATFORM_ERROR",
        "PARAM",
        "STATE",
        "COOKIE",
        "JWT_FORMAT",
        "ALG",
        "KID",
        "REGISTRATION_MISMATCH",
        "KEY_NOT_FOUND",
        "JWKS_UNREACHABLE",
        "SIGNATURE",
        "EXPIRED",
        "NOT_YET_VALID",
        "TOO_OLD",
        "AUD",
        "AZP",
        "NONCE",
        "VERSION",
        "MESSAGE_TYPE",
        "ROLES",
        "ANONYMOUS",
        "CLAIM",
    }
    people = {"EMAIL", "NAME", "STAFF", "CONFLICT", "SUSPENDED"}
    wanted = {f"LTI13_{name}" for name in launch} | {f"LTI_PERSON_{name}" for name in people} | {"LTI_NOT_AVAILABLE"}
    assert wanted <= {problem.code for problem in PROBLEMS}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.code)
def test_the_words_are_whole_and_short(problem: Problem) -> None:
    known = {
        owners.PLATFORM_ADMIN,
        owners.PLATFORM_TEACHER,
        owners.TOOL_ADMIN,
        owners.AUTHOR,
        owners.ACADEMY_ADMIN,
        owners.BOTH_ADMINS,
        owners.LEARNER,
        owners.OPERATOR,
        owners.NOBODY,
    }
    assert 400 <= problem.status <= 599
    assert problem.owner in known
    assert problem.title[0].isupper()
    assert not problem.title.endswith(".")
    assert len(problem.title) <= 60
    for sentence in (problem.cause, problem.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert len(problem.cause) <= 160


def test_missing_person_fields_name_the_settings_of_each_product() -> None:
    remedies = {problem.code: problem.remedy for problem in PROBLEMS}
    assert "Share launcher's email with tool" in remedies["LTI_PERSON_EMAIL"]
    assert "Share launcher's name with tool" in remedies["LTI_PERSON_NAME"]
    for code in ("LTI_PERSON_EMAIL", "LTI_PERSON_NAME"):
        assert all(product in remedies[code] for product in ("Moodle", "Canvas", "Blackboard", "Brightspace"))
