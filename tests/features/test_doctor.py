"""What `lyceum doctor` finds wrong in an installation that runs all the same."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine

from saas import clock
from saas.app import configure
from saas.cli import doctor
from saas.cli.context import Shell
from tests.house import House


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[House]:
    built = House.build("postgresql", tmp_path)
    yield built
    built.close()


@contextmanager
def shell_with(house: House, **settings: str) -> Iterator[Shell]:
    """The doctor's view of the house with other settings."""
    changed = {"lyceum." + name.replace("__", "."): value for name, value in settings.items()}
    shell = Shell("lyceum.ini")
    runtime = configure({**house.ini, **changed}).registry.runtime
    vars(shell)["configurator"] = SimpleNamespace(registry=SimpleNamespace(runtime=runtime))
    yield shell
    runtime.close()


@pytest.mark.postgresql
def test_a_role_that_may_remove_row_level_security(postgresql: House) -> None:
    with shell_with(postgresql) as right:
        assert doctor.database(right) == "postgresql"
    owner = postgresql.ini["lyceum.database.owner_url"]
    with shell_with(postgresql, database__url=owner) as wrong, pytest.raises(doctor.Failed) as found:
        doctor.database(wrong)
    assert "row-level security" in str(found.value)
    assert "BYPASSRLS" in found.value.remedy


@pytest.mark.postgresql
def test_a_clock_that_is_not_the_databases(postgresql: House) -> None:
    with shell_with(postgresql) as shell:
        assert doctor.clocks(shell).endswith("of the database")
        with time_machine.travel(clock.now() + timedelta(minutes=2)), pytest.raises(doctor.Failed) as found:
            doctor.clocks(shell)
    assert "differ by 1" in str(found.value)
    assert "NTP" in found.value.remedy


def test_a_machine_without_certificate_authorities(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with shell_with(house) as shell:
        assert doctor.tls(shell) == "certificate authorities found"
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
        monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
        with pytest.raises(doctor.Failed) as found:
            doctor.tls(shell)
    assert "ca-certificates" in found.value.remedy


@pytest.mark.parametrize(
    ("settings", "found", "remedy"),
    [
        ({}, "everybody has the proxy's address", "name the proxy"),
        ({"web__trusted_proxy": "127.0.0.1"}, "/metrics is open to everybody", "LYCEUM_WEB_METRICS_TOKEN"),
    ],
    ids=["proxy", "metrics"],
)
def test_what_is_only_wrong_before_the_public(house: House, settings: dict[str, str], found: str, remedy: str) -> None:
    with shell_with(house, **settings) as shell, pytest.raises(doctor.Failed) as failed:
        doctor.web(shell)
    assert found in str(failed.value)
    assert remedy in failed.value.remedy


def test_a_public_installation_as_it_should_be(house: House) -> None:
    with shell_with(house, web__trusted_proxy="127.0.0.1", web__metrics_token="m" * 32) as shell:
        assert doctor.web(shell) == "behind 127.0.0.1"


@pytest.mark.redis
def test_rates_that_each_process_counts_for_itself(house: House) -> None:
    broker = os.environ["LYCEUM_TEST_REDIS"]
    with (
        shell_with(house, jobs__broker=broker, limits__storage="memory://") as shell,
        pytest.raises(doctor.Failed) as failed,
    ):
        doctor.redis_servers(shell)
    assert "lyceum.limits.storage is no Redis" in str(failed.value)
    with shell_with(house, jobs__broker=broker, limits__storage=broker) as shell:
        assert doctor.redis_servers(shell) == "Redis answers"
