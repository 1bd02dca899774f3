"""The benchmark's counterpart does real launches and keeps what it should; otherwise beating it would mean nothing."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.peers.environment import Process

FOLDER = Path(__file__).resolve().parent / "pylti1p3_flask"
ISSUER, CLIENT, DEPLOYMENT = "https://lms.example", "client-1", "deployment-1"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


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
    folder = tmp_path_factory.mktemp("pylti1p3_flask")
    jwk = {**jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "alg": "RS256"}
    platform = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "deployment_id": DEPLOYMENT,
        "auth_url": "https://lms.example/auth",
        "token_url": "https://lms.example/token",
        "jwks": {"keys": [jwk]},
    }
    (folder / "platform.json").write_text(json.dumps(platform))
    url = sqlalchemy.make_url(f"sqlite:///{folder / 'peer.sqlite'}")
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_schema")
    arguments = [
        "--platform",
        str(folder / "platform.json"),
        "--database-url",
        url.render_as_string(hide_password=False),
    ]
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
    schema = f"peer_{os.getpid()}"
    with owner.connect() as connection:
        connection.execute(sqlalchemy.schema.CreateSchema(schema))
        yield url.update_query_dict({"options": f"-csearch_path={schema}"})
        connection.execute(sqlalchemy.schema.DropSchema(schema, cascade=True))
    owner.dispose()


def login(peer: Peer, browser: httpx.Client) -> dict[str, str]:
    """Begin a launch as a platform would; return the authentication request of the peer."""
    query = {
        "iss": ISSUER,
        "client_id": CLIENT,
        "lti_deployment_id": DEPLOYMENT,
        "login_hint": "anna",
        "lti_message_hint": "hint",
        "target_link_uri": f"{peer.url}/launch",
    }
    answer = browser.get(f"{peer.url}/login", params=query)
    assert answer.status_code == 302
    return dict(httpx.URL(answer.headers["Location"]).params)


def id_token(asked: dict[str, str], sub: str, link: str, key: rsa.RSAPrivateKey = KEY, **changed: Any) -> str:
    """A resource link launch with grades, as a platform signs it."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": sub,
        "iat": now,
        "exp": now + 300,
        "nonce": asked["nonce"],
        "name": "Anna Åkesson",
        "email": "anna@people.example",
        CLAIM + "version": "1.3.0",
        CLAIM + "message_type": "LtiResourceLinkRequest",
        CLAIM + "deployment_id": DEPLOYMENT,
        CLAIM + "target_link_uri": asked["redirect_uri"],
        CLAIM + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
        CLAIM + "resource_link": {"id": link, "title": "Forklift"},
        CLAIM + "context": {"id": "course-1", "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"]},
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
            "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
            "lineitems": "https://lms.example/lineitems",
            "lineitem": "https://lms.example/lineitems/1",
        },
        **changed,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})


def launched(peer: Peer, browser: httpx.Client, make: Callable[[dict[str, str]], str]) -> httpx.Response:
    """Log in, and post the token that ``make`` signs for that login."""
    asked = login(peer, browser)
    return browser.post(f"{peer.url}/launch", data={"id_token": make(asked), "state": asked["state"]})


def test_a_launch_signs_somebody_in(peer: Peer) -> None:
    before = {table: peer.rows(table) for table in ("person", "resource_link", "session")}
    with httpx.Client(trust_env=False) as browser:
        for _ in range(2):
            answer = launched(peer, browser, lambda asked: id_token(asked, "anna", "link-1"))
            assert answer.status_code == 302
            page = browser.get(f"{peer.url}{answer.headers['Location']}")
            assert (page.status_code, page.text) == (200, "Anna Åkesson in Forklift")
    with httpx.Client(trust_env=False) as stranger:
        assert stranger.get(f"{peer.url}{answer.headers['Location']}").status_code == 403
    added = {table: peer.rows(table) - count for table, count in before.items()}
    assert added == {"person": 1, "resource_link": 1, "session": 2}


def test_first_launches_at_once(peer: Peer) -> None:
    def one(_: int) -> int:
        with httpx.Client(trust_env=False) as browser:
            return launched(peer, browser, lambda asked: id_token(asked, "bruno", "link-2")).status_code

    people = peer.rows("person")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(one, range(16)))
    assert statuses == [302] * 16
    assert peer.rows("person") == people + 1


@pytest.mark.parametrize("changed", [{"key": rsa.generate_private_key(65537, 2048)}, {"nonce": "mine"}, {"exp": 1}])
def test_a_bad_token_is_refused(peer: Peer, changed: dict[str, Any]) -> None:
    sessions = peer.rows("session")
    with httpx.Client(trust_env=False) as browser:
        answer = launched(peer, browser, lambda asked: id_token(asked, "anna", "link-1", **changed))
    assert answer.status_code == 400
    assert peer.rows("session") == sessions


def test_a_state_of_another_browser_is_refused(peer: Peer) -> None:
    with httpx.Client(trust_env=False) as browser, httpx.Client(trust_env=False) as other:
        asked = login(peer, browser)
        form = {"id_token": id_token(asked, "anna", "link-1"), "state": asked["state"]}
        assert other.post(f"{peer.url}/launch", data=form).text == "State not found"
