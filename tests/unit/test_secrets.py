"""Values sealed at rest: bound to tenant and purpose, readable over a change of master key, worthless elsewhere."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from saas.db.sealed import reseal_all, sealed_columns
from saas.secrets import SealError, Secrets, generate_key, key_under
from tenants.lti.keys import KeyRing
from tenants.lti.models import SigningKey
from tests.house import House
from tests.installation import installation

OLD, NEW, OTHER = generate_key(), generate_key(), generate_key()


@given(value=st.binary(max_size=200), tenant=st.integers(0, 10**6), purpose=st.text(max_size=30))
def test_what_was_sealed_opens_again(value: bytes, tenant: int, purpose: str) -> None:
    secrets = Secrets((OLD,))
    assert secrets.open(tenant, purpose, secrets.seal(tenant, purpose, value)) == value


def test_the_same_value_never_looks_the_same_twice() -> None:
    secrets = Secrets((OLD,))
    assert secrets.seal(1, "p", b"value") != secrets.seal(1, "p", b"value")
    assert "value" not in secrets.seal(1, "p", b"value")


@pytest.mark.parametrize(("tenant", "purpose"), [(2, "lti.key"), (1, "zoom.key"), (12, "lti.key"), (1, "")])
def test_a_value_moved_to_another_tenant_or_purpose_does_not_open(tenant: int, purpose: str) -> None:
    secrets = Secrets((OLD,))
    sealed = secrets.seal(1, "lti.key", b"value")
    with pytest.raises(SealError, match=f"tenant {tenant}"):
        secrets.open(tenant, purpose, sealed)
    with pytest.raises(SealError):
        secrets.reseal(tenant, purpose, sealed)


def test_tenant_and_purpose_cannot_be_shifted_into_each_other() -> None:
    secrets = Secrets((OLD,))
    with pytest.raises(SealError):
        secrets.open(1, "1|p", secrets.seal(11, "p", b"x"))


def test_an_altered_value_does_not_open() -> None:
    secrets = Secrets((OLD,))
    sealed = secrets.seal(1, "p", b"value")
    for place in (0, 10, len(sealed) // 2, len(sealed) - 4):  # of the last sign before "==" base64 reads two bits
        altered = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealError):
            secrets.open(1, "p", altered)
    for worthless in ("", "x", sealed[:-5], "ü" * 20):
        with pytest.raises(SealError):
            secrets.open(1, "p", worthless)


def test_an_error_never_quotes_the_value() -> None:
    with pytest.raises(SealError) as refused:
        Secrets((OLD,)).open(1, "p", "s3cret-looking-text")
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_over_a_change_of_master_key_old_values_open_and_new_ones_are_sealed_with_the_newest() -> None:
    before, during, after = Secrets((OLD,)), Secrets((NEW, OLD)), Secrets((NEW,))
    sealed = before.seal(1, "p", b"value")
    assert during.open(1, "p", sealed) == b"value"
    with pytest.raises(SealError):
        after.open(1, "p", sealed)
    renewed = during.reseal(1, "p", sealed)
    assert after.open(1, "p", renewed) == b"value"
    with pytest.raises(SealError):
        before.open(1, "p", renewed)
    assert after.open(1, "p", during.seal(1, "p", b"fresh")) == b"fresh"


def test_keys_for_signing_follow_the_newest_master_key_and_their_purpose() -> None:
    assert Secrets((NEW, OLD)).mac_key("cookie") == Secrets((NEW,)).mac_key("cookie")
    assert Secrets((NEW,)).mac_key("cookie") != Secrets((NEW,)).mac_key("other")
    assert Secrets((NEW,)).mac_key("cookie") != Secrets((OLD, NEW)).mac_key("cookie")
    assert len(Secrets((NEW,)).mac_key("cookie")) == 32


@pytest.mark.parametrize("keys", [(), ("",), ("c2hvcnQ=",), (OLD, "c2hvcnQ=")])
def test_a_master_key_has_32_bytes(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="master key"):
        Secrets(keys)


def test_the_generated_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(key_under, tmp_path / "new").result()
    code = (
        "import sys; from pathlib import Path; from saas.secrets import key_under; print(key_under(Path(sys.argv[1])))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "race")], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    found = {run.communicate()[0].strip() for run in runs}
    assert len(found) == 1
    Secrets(tuple(found))
    assert key_under(tmp_path / "new") == first
    for folder in ("new", "race"):
        assert [each.name for each in (tmp_path / folder).iterdir()] == ["master.key"]
        assert stat.S_IMODE((tmp_path / folder / "master.key").stat().st_mode) == 0o600


def test_every_sealed_column_is_known_and_says_its_purpose() -> None:
    assert {(str(mapper.local_table), name, purpose) for mapper, name, purpose in sealed_columns()} == {
        ("lti_signing_key", "sealed_private", "lti.signing_key"),
        ("lti_access_token", "sealed", "lti.access_token"),
        ("lti_consumer_key", "sealed_secret", "lti.consumer_secret"),
        ("lti_consumer_key", "sealed_previous", "lti.consumer_secret"),
        ("lti_tool_link", "sealed_secret", "lti.tool_secret"),
        ("lti_tool_link", "sealed_previous", "lti.tool_secret"),
        ("zoom_profile", "sealed_token", "zoom.access_token"),
        ("calendar_feed", "sealed_token", "calendar.feed_token"),
    }


def test_resealing_moves_every_tenants_values_to_the_newest_key(fresh_house: House) -> None:
    runtime, kits = fresh_house.runtime, [fresh_house.academy(), fresh_house.academy()]
    master = fresh_house.ini["lyceum.secrets.keys"]
    assert reseal_all(runtime.database, Secrets((NEW, master))) == 4
    after = Secrets((NEW,))
    for kit in kits:
        ring = KeyRing(runtime.database, after)
        with kit.session() as session:
            keys = session.scalars(sa.select(SigningKey)).all()
            assert len(keys) == 2
            for key in keys:
                assert b"PRIVATE KEY" in after.open(kit.academy.id, "lti.signing_key", key.sealed_private)
        assert ring.active(kit.academy.id).kid in {str(key["kid"]) for key in ring.published(kit.academy.id)}
    assert reseal_all(runtime.database, after) == 4


def test_a_sealed_value_copied_to_another_academy_does_not_open(fresh_house: House) -> None:
    mine, other = fresh_house.academy(), fresh_house.academy()
    with other.session() as session:
        stolen = session.scalars(sa.select(SigningKey.sealed_private)).first()
    with mine.session() as session:
        for key in session.scalars(sa.select(SigningKey)):
            key.sealed_private = stolen or ""
    with pytest.raises(SealError, match=f"tenant {mine.academy.id}"):
        KeyRing(fresh_house.runtime.database, fresh_house.runtime.secrets).active(mine.academy.id)


def test_the_operators_way_to_change_the_master_key(tmp_path: Path) -> None:
    """Put the new key first, reseal, drop the old one; a key dropped too early is said so in one line."""
    with installation(tmp_path) as made:
        made.cli("tenant", "create", "north", "--name", "North", "--admin-email", "a@north.example")
        text, master = made.ini.read_text(), made.settings["lyceum.secrets.keys"]
        made.ini.write_text(text.replace(master, NEW))
        too_early = made.attempt("reseal")
        assert (too_early.returncode, too_early.stderr.count("\n")) == (2, 1)
        assert "add the master key it was sealed with" in too_early.stderr
        made.ini.write_text(text.replace(master, f"{NEW} {master}"))
        assert "2 values sealed again" in made.cli("reseal")
        made.ini.write_text(text.replace(master, NEW))
        found = json.loads(made.attempt("doctor", "--json").stdout)["checks"]
        checks = {check["check"]: check["ok"] for check in found}
        assert checks["keys"]
