"""docs/operating.md and docs/production/ say what the program does."""

import re

from saas.app import configure
from saas.settings import Settings
from tests.house import ROOT
from tests.manual import MANUAL, wanted, written
from tests.production import EXAMPLES

PRODUCTION = (ROOT / "production.ini").read_text()


def test_every_setting_is_described() -> None:
    undescribed = [
        f"{section}.{name}"
        for section, part in Settings.model_fields.items()
        for name, field in part.annotation.model_fields.items()  # type: ignore[union-attr]  # -- every field is a Section
        if not field.description
    ]
    assert undescribed == []


def test_the_table_of_settings_is_current() -> None:
    assert written() == wanted(), "run: python -m tests.manual"


def test_every_variable_named_anywhere_is_a_setting() -> None:
    known = set(re.findall(r"LYCEUM_[A-Z_]+", wanted())) | {"LYCEUM_CONFIG"}
    texts = [MANUAL.read_text(), PRODUCTION, *(path.read_text() for path in EXAMPLES.iterdir())]
    named = set(re.findall(r"LYCEUM_[A-Z]\w+", "".join(texts)))
    assert named - known == set()


def test_the_production_ini_holds_no_secret_and_no_unknown_key() -> None:
    values = dict(re.findall(r"^(lyceum\.\S+) = (.*)$", PRODUCTION, re.MULTILINE))
    assert not {key for key in values if re.search(r"keys|token|owner", key)}
    assert not re.search(r"://[^/@\s]*:[^/@\s]*@", PRODUCTION)
    inside = {key: value.replace("%(here)s", str(ROOT)) for key, value in values.items()}
    configure({**inside, "lyceum.secrets.keys": "A" * 43 + "="}).registry.runtime.close()


def test_every_example_is_explained() -> None:
    manual = MANUAL.read_text()
    assert [path.name for path in sorted(EXAMPLES.iterdir()) if path.name not in manual] == []


def test_the_body_limit_of_nginx_is_the_programs() -> None:
    limit = Settings.model_fields["web"].annotation.model_fields["max_body_bytes"].default  # type: ignore[union-attr]  # -- every field is a Section
    assert f"client_max_body_size {limit // 1024 // 1024}m;" in (EXAMPLES / "nginx.conf").read_text()
