"""A Zoom that answers a check's questions as a script has it, and an academy that can be reached over real HTTP."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import waitress

from tenants.zoom.ltipro.check import Checks, ConnectionCheck, Draft, Report
from tenants.zoom.ltipro.models import PlaceKind, ZoomProfile
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tests.conformance.platform import Key, rsa
from tests.house import House, Kit
from tests.jobs.scripted import Reply, Request, ScriptedPlatform

KEY = "aB3-LTI_key"
LOGIN, JWKS = f"/lti/advantage/login/{KEY}", "/lti/advantage/jwks"
KEYS = {"keys": [Key("zoom-1", rsa(0)).jwk()]}
#: Line of a report → how it ended, code, what was seen.
Found = dict[str, tuple[str, str, str]]


class ZoomDouble(ScriptedPlatform):
    """Replies may be functions of the request. Unless told otherwise it knows `KEY` and whoever asks."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.requests.clear()
        self.replies.clear()
        self.rules: dict[str, Callable[[Request], Reply]] = {LOGIN: self.lead}
        self.on(JWKS, Reply.of(KEYS))

    def rule(self, path: str, rule: Callable[[Request], Reply]) -> None:
        self.rules[path] = rule

    def answers(self, reply: Reply) -> None:
        """To the login."""
        self.rule(LOGIN, lambda _request: reply)

    def _answer(self, request: Request) -> Reply:
        rule = self.rules.get(request.target.partition("?")[0])
        if rule is None:
            return super()._answer(request)
        self.requests.append(request)
        return rule(request)

    def question(self, request: Request, **changes: str) -> dict[str, str]:
        """The authentication request that follows a login; an empty value leaves a parameter out."""
        sent = dict(parse_qsl(request.body.decode()))
        asked = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": sent["client_id"],
            "redirect_uri": f"{self.url}/lti/rich/oauth/complete",
            "login_hint": sent["login_hint"],
            "lti_message_hint": sent["lti_message_hint"],
            "nonce": "n-1",
            "state": "s-1",
            **changes,
        }
        return {name: value for name, value in asked.items() if value}

    def lead(self, request: Request, site: str = "", **changes: str) -> Reply:
        """On to the authentication endpoint of whoever asks, or of ``site``."""
        base = site or dict(parse_qsl(request.body.decode()))["iss"]
        query = urlencode(self.question(request, **changes))
        return Reply(302, headers={"location": f"{base}/mod/lti/auth.php?{query}"})


@dataclass
class Rig:
    """A house that a server really serves, and the Zoom its settings name."""

    house: House
    zoom: ZoomDouble
    _shared: "Checked | None" = None

    def shared(self) -> "Checked":
        """An academy for cases that change nothing but its profile, which is put back as it was made."""
        if self._shared is None:
            self._shared = self.academy()
        self.zoom.reset()
        self._shared.change(issuer=self._shared.kit.academy.url)
        with self._shared.kit.session() as session:
            session.get_one(ZoomProfile, self._shared.profile_id).tool.is_active = True
        return self._shared

    def academy(self) -> "Checked":
        kit = self.house.academy()
        with kit.session() as session:
            kinds = frozenset(PlaceKind)
            switch_use(session, is_on=True, kinds=kinds, with_calendar=True)
            profile, _token = Profiles(session, kit.runtime, kit.academy).create(ProfileValues("Main", KEY))
            profile_id = profile.id
        return Checked(kit, self.zoom, profile_id)


@dataclass
class Checked:
    """An academy with one profile."""

    kit: Kit
    zoom: ZoomDouble
    profile_id: UUID

    def change(self, **values: Any) -> None:
        with self.kit.session() as session:
            for name, value in values.items():
                setattr(session.get_one(ZoomProfile, self.profile_id), name, value)

    def begin(self, draft: Draft | None = None) -> UUID:
        with self.kit.session() as session:
            saved = Draft.of(session.get_one(ZoomProfile, self.profile_id))
            return Checks(session, self.kit.runtime, self.kit.academy).add(draft or saved, "somebody").id

    def run(self, draft: Draft | None = None) -> Found:
        check_id = self.begin(draft)
        ConnectionCheck(self.kit.runtime, self.kit.academy).run(check_id)
        return self.found(check_id)

    def report(self, check_id: UUID) -> Report:
        with self.kit.session() as session:
            checks = Checks(session, self.kit.runtime, self.kit.academy)
            report = checks.report(checks.get(check_id))
            session.expunge_all()
            return report

    def found(self, check_id: UUID) -> Found:
        return {row.step: (row.outcome, row.code, row.seen) for row in self.report(check_id).rows}


@contextmanager
def served(backend: str, folder: Path) -> Iterator[Rig]:
    """``http://<academy>.lyceum.localhost:<port>`` is this machine (RFC 6761 §6.3), exempt from the guard of addresses."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    with ZoomDouble() as zoom:
        house = House.build(
            backend, folder, web__scheme="http", web__host="lyceum.localhost", web__port=str(port),
            outbound__allow="127.0.0.0/8 ::1 localhost *.localhost", zoom__ltipro_url=zoom.url,
        )  # fmt: skip
        server = waitress.create_server(house.application, sockets=[listening], threads=4)
        serving = threading.Thread(target=server.run, daemon=True)
        serving.start()
        try:
            yield Rig(house, zoom)
        finally:
            server.close()
            serving.join(5)
            house.close()


def page(text: str, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, text.encode(), {"content-type": "text/html", **named})


def json_page(document: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"content-type": "application/json"})
