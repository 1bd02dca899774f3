"""Rules of the house that no linter knows; each fails with the places that break it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from saas.app import configure
from tests import errors
from tests.house import ROOT, settings_for

PRODUCT = tuple(path for folder in ("saas", "tenants") for path in (ROOT / folder).rglob("*.py"))
TEMPLATES = {
    str(path.relative_to(ROOT / "templates")): path.read_text() for path in (ROOT / "templates").rglob("*.html")
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """File, the called name as written (such as ``datetime.now``), and the call."""
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield name_of(path), ast.unparse(node.func), node


def strings() -> set[str]:
    """Every string constant of the product."""
    nodes = (node for path in PRODUCT for node in ast.walk(ast.parse(path.read_text())))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize(
    ("folders", "limit"), [(("saas", "tenants", "migrations", "benchmarks"), 350), (("tests",), 600)]
)
def test_modules_stay_readable(folders: tuple[str, ...], limit: int) -> None:
    lengths = {path: len(path.read_text().splitlines()) for folder in folders for path in (ROOT / folder).rglob("*.py")}
    assert {name_of(path): length for path, length in lengths.items() if length > limit} == {}


def test_the_time_comes_from_the_clock() -> None:
    """So that tests can move it, and that everything is aware UTC."""
    foreign = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "datetime.datetime.now"}
    assert {(file, name) for file, name, _call in calls() if name in foreign} == {("saas/clock.py", "datetime.now")}


def test_only_the_secrets_know_fernet() -> None:
    users = {name_of(path) for path in PRODUCT if "cryptography.fernet" in path.read_text()}
    assert users == {"saas/secrets.py"}


def test_only_outbound_speaks_http() -> None:
    """Whatever is called from elsewhere would pass by the guard of addresses. The contract of imports knows packages only."""
    imports = re.compile(
        r"^\s*(?:import|from) (?:httpx|httpcore|requests|urllib3|aiohttp|http\.client)\b", re.MULTILINE
    )
    users = {name_of(path) for path in PRODUCT if imports.search(path.read_text()) or "urlopen" in path.read_text()}
    assert users == {"saas/outbound.py"}


def test_every_job_that_is_promised_exists_and_is_named_after_its_feature(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, {"lyceum.database.url": f"sqlite:///{tmp_path / 'x.sqlite'}"})
    runtime = configure(settings).registry.runtime
    registered = {job.name: job.function.__module__ for job in runtime.jobs}
    runtime.close()
    promised = {
        call.args[1].value
        for _file, name, call in calls()
        if name.split(".")[-1] == "later" and len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
    }
    assert promised
    assert promised - set(registered) == set()
    misnamed = {name for name, module in registered.items() if name.split(".")[0] not in module.split(".")}
    assert misnamed == set()


def test_every_template_is_reached_and_every_one_named_exists() -> None:
    named = {text.partition("#")[0] for text in strings() if re.fullmatch(r"[\w/]+\.html(#\w+)?", text)}
    named |= {found for text in TEMPLATES.values() for found in re.findall(r'"([\w/]+\.html)"', text)}
    macros = {name for name in TEMPLATES if name.startswith("_macros/")}
    assert set(TEMPLATES) - macros - named == set(), "nobody shows these"
    assert named - set(TEMPLATES) == set(), "these do not exist"


def test_every_block_that_is_asked_for_exists() -> None:
    asked = {tuple(text.split("#")) for text in strings() if re.fullmatch(r"[\w/]+\.html#\w+", text)}
    assert asked
    assert {(file, block) for file, block in asked if not re.search(rf"{{% block {block} ", TEMPLATES[file])} == set()


#: Codes of connections to come; their numbers in other people's texts are given already.
RESERVED = {"LTI13_REG_LINK", "OUTCOME_NO_ROUTE"}


def test_every_refusal_is_in_the_catalogue_and_every_entry_is_used() -> None:
    known = {problem.code for _title, problems in errors.AREAS for problem in problems}
    raised = {
        call.args[0].value
        for _file, name, call in calls()
        if name.split(".")[-1] in ("Refused", "show_problem") and call.args and isinstance(call.args[0], ast.Constant)
    }
    assert raised - known == set()
    code = "".join(path.read_text() for path in PRODUCT if "problems" not in name_of(path))
    assert {each for each in known - RESERVED if not re.search(rf"\b{each}\b", code)} == set(), (
        "no code refuses with these"
    )


def test_the_list_of_errors_is_current() -> None:
    assert errors.FILE.read_text() == errors.wanted(), "run: python -m tests.errors"


def test_texts_of_pages_go_through_gettext() -> None:
    """Words between tags that no expression wraps would stay English for everybody."""
    bare = {}
    for name, text in TEMPLATES.items():
        if name == "styleguide.html":
            continue
        rest = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<svg.*?</svg>|<!--.*?-->|<(style|script).*?</\1>",
            "\0",
            text,
            flags=re.DOTALL,
        )
        said = re.findall(r">([^<>]*)<", rest)
        found = [word for part in said for word in re.findall(r"[A-Za-z]{3,}", part)]
        if found:
            bare[name] = found
    assert bare == {"_macros/ui.html": ["button"]}, "apart from a macro that makes the names of a class"
