"""The benchmark's counterpart for LTI 1.2 does real launches and keeps what it should."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import httpx
import pytest
import sqlalchemy
from oauthlib.oauth1 import SIGNATURE_TYPE_BODY, Client

from tests.peers.environment import Process

FOLDER = Path(__file__).resolve().parent / "lti_flask"
KEY, SECRET = "key-of-week-1", "a secret, with & and ü"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Peer:
    """The running peer and a way to look into its database."""

    url: str
    engine: sqlalchemy.Engine

    def rows(self, table: str) -> int:
        """How many rows a table of the peer has."""
        with self.engine.connect() as connection:
            counted = sqlalchemy.select(sqlalchemy.func.count()).select_from(sqlalchemy.table(f"peer_{table}"))
            return int(connection.execute(counted).scalar_one())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The peer on an empty SQLite file, and on an empty schema of PostgreSQL where LYCEUM_TEST_POSTGRES names one."""
    folder = tmp_path_factory.mktemp("lti_flask")
    url = sqlalchemy.make_url(f"sqlite:///{folder / 'peer.sqlite'}")
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_schema")
    arguments = ["--key", KEY, "--secret", SECRET, "--database-url", url.render_as_string(hide_password=False)]
    with Process(FOLDER, *arguments) as running:
        engine = sqlalchemy.create_engine(url)
        yield Peer(running.url, engine)
        engine.dispose()


@pytest.fixture(scope="module")
def empty_schema() -> Iterator[sqlalchemy.URL]:
    """A schema of its own in the database that LYCEUM_TEST_POSTGRES names, dropped afterwards."""
    given = os.environ.get("LYCEUM_TEST_POSTGRES")
    if not given:
        pytest.skip("LYCEUM_TEST_POSTGRES is not set")
    url = sqlalchemy.make_url(given).set(drivername="postgresql+psycopg")
    owner = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    schema = f"peer11_{os.getpid()}"
    with owner.connect() as connection:
        connection.execute(sqlalchemy.schema.CreateSchema(schema))
        yield url.update_query_dict({"options": f"-csearch_path={schema}"})
        connection.execute(sqlalchemy.schema.DropSchema(schema, cascade=True))
    owner.dispose()


def signed(peer: Peer, user: str = "anna", link: str = "link-1", **changed: Any) -> list[tuple[str, str]]:
    """A launch with a score address, signed by oauthlib."""
    fields = {
        "lti_message_type": "basic-lti-launch-request",
        "lti_version": "LTI-1p0",
        "resource_link_id": link,
        "user_id": user,
        "lis_person_name_full": "Anna Åkesson",
        "lis_outcome_service_url": "https://lms.example/outcomes",
        "lis_result_sourcedid": f"{user}:{link}",
    }
    at = str(int(changed.get("at", time.time())))
    client = Client(
        changed.get("key", KEY), changed.get("secret", SECRET), signature_type=SIGNATURE_TYPE_BODY,
        nonce=uuid4().hex, timestamp=at,
    )  # fmt: skip
    _, _, body = client.sign(f"{peer.url}/launch", "POST", body=urlencode(fields), headers={"Content-Type": FORM})
    return parse_qsl(str(body))


def send(peer: Peer, form: list[tuple[str, str]], browser: httpx.Client | None = None) -> httpx.Response:
    body, headers = urlencode(form), {"Content-Type": FORM}
    if browser is not None:
        return browser.post(f"{peer.url}/launch", content=body, headers=headers)
    with httpx.Client(trust_env=False) as fresh:
        return fresh.post(f"{peer.url}/launch", content=body, headers=headers)


def test_a_launch_signs_somebody_in(peer: Peer) -> None:
    tables = ("person", "score_address", "session", "nonce")
    before = {table: peer.rows(table) for table in tables}
    with httpx.Client(trust_env=False) as browser:
        for _ in range(2):
            answer = send(peer, signed(peer), browser)
            assert answer.status_code == 302
            page = browser.get(f"{peer.url}{answer.headers['Location']}")
            assert (page.status_code, page.text) == (200, "Anna Åkesson in link-1")
    with httpx.Client(trust_env=False) as stranger:
        assert stranger.get(f"{peer.url}{answer.headers['Location']}").status_code == 403
    added = {table: peer.rows(table) - count for table, count in before.items()}
    assert added == {"person": 1, "score_address": 1, "session": 2, "nonce": 2}


def test_first_launches_at_once(peer: Peer) -> None:
    people = peer.rows("person")
    with ThreadPoolExecutor(8) as pool:
        forms = [signed(peer, "bruno", "link-2") for _ in range(16)]
        statuses = [answer.status_code for answer in pool.map(lambda form: send(peer, form), forms)]
    assert statuses == [302] * 16
    assert peer.rows("person") == people + 1


@pytest.mark.parametrize("changed", [{"secret": "guessed"}, {"key": "nobody"}, {"at": 1}])
def test_a_bad_launch_is_refused(peer: Peer, changed: dict[str, Any]) -> None:
    sessions = peer.rows("session")
    assert send(peer, signed(peer, **changed)).status_code == 401
    assert peer.rows("session") == sessions


def test_a_launch_is_used_once(peer: Peer) -> None:
    form = signed(peer)
    assert send(peer, form).status_code == 302
    sessions = peer.rows("session")
    assert send(peer, form).status_code == 400
    assert peer.rows("session") == sessions
