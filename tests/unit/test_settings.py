"""Settings: typed, frozen, from the ini and the environment; what is unknown or wrong is refused by its name."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from saas.app import configure
from saas.settings import SettingsError, Source, shell_settings
from tests.house import settings_for


def test_values_are_typed_and_the_environment_wins() -> None:
    ini = {"lyceum.web.port": "7000", "lyceum.web.threads": "3", "lyceum.outbound.allow": "a.example, b.example"}
    settings = shell_settings(Source(ini, {"LYCEUM_WEB_PORT": "7001", "LYCEUM_JOBS_LEASE_SECONDS": "2.5", "PATH": "x"}))
    assert (settings.web.port, settings.web.threads) == (7001, 3)
    assert settings.jobs.lease_seconds == 2.5
    assert settings.outbound.allow == ("a.example", "b.example")
    assert settings.web.host == "localhost", "what nobody says has its default"


def test_they_cannot_be_changed_afterwards() -> None:
    settings = shell_settings(Source({}, {}))
    with pytest.raises(ValidationError, match="frozen"):
        settings.web.port = 1


@pytest.mark.parametrize(
    ("ini", "environment", "named"),
    [
        ({"lyceum.web.prot": "1"}, {}, "unknown setting lyceum.web.prot"),
        ({}, {"LYCEUM_WEB_PROT": "1"}, "unknown setting lyceum.web.prot"),
        ({"lyceum.wep.port": "1"}, {}, "unknown setting lyceum.wep.port"),
        ({}, {"LYCEUM_WEP_PORT": "1"}, "unknown setting lyceum.wep.port"),
        ({"web.port": "1"}, {}, "unknown setting web.port"),
        ({"lyceum.web.port": "many"}, {}, "setting lyceum.web.port: "),
        ({"lyceum.web.threads": "0"}, {}, "setting lyceum.web.threads: "),
        ({"lyceum.web.scheme": "gopher"}, {}, "setting lyceum.web.scheme: "),
    ],
)
def test_what_is_unknown_or_wrong_is_refused_by_name(
    ini: dict[str, str], environment: dict[str, str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    sqlite = {"lyceum.app.data": str(tmp_path)}
    with pytest.raises(SettingsError) as refused:
        configure({**settings_for(tmp_path, sqlite), **ini})
    assert str(refused.value).startswith(named)
