"""A platform's services reduced to the least: key set, access tokens, scores, outcomes, a roster; nothing is checked.

It only counts, as cheaply as it can, so that the worker is measured and not this. ``GET /seen`` lists the scores since
the last look: when (monotonic seconds), for whom, how many points. ``python -m benchmarks.sink PORT KEYSET``
"""

import asyncio
import re
import sys
import time
from functools import lru_cache
from typing import Any

import orjson

TOKEN = orjson.dumps({"access_token": "t" * 40, "token_type": "Bearer", "expires_in": 3600})


#: Members a page of a roster has.
PAGE = 500
DONE = (
    b'<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>'
    b"<imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version><imsx_messageIdentifier>1</imsx_messageIdentifier>"
    b"<imsx_statusInfo><imsx_codeMajor>success</imsx_codeMajor></imsx_statusInfo></imsx_POXResponseHeaderInfo>"
    b"</imsx_POXHeader><imsx_POXBody><readResultResponse><result><resultScore><textString>%b</textString></resultScore>"
    b"</result></readResultResponse></imsx_POXBody></imsx_POXEnvelopeResponse>"
)
_SCORE = re.compile(rb"<sourcedId>(.*?)</sourcedId>.*?<textString>(.*?)</textString>", re.DOTALL)
_SOURCEDID = re.compile(rb"<sourcedId>(.*?)</sourcedId>")
_NUMBERS = re.compile(rb"\d+")


@lru_cache(maxsize=64)
def _page(start: int, end: int) -> bytes:
    members = [
        {
            "user_id": f"member-{number}", "status": "Active", "roles": ["Learner"], "given_name": "Katharina",
            "family_name": f"Example-{number}", "email": f"member-{number}@people.example",
        }
        for number in range(start, end)
    ]  # fmt: skip
    return orjson.dumps({"id": "people", "context": {"id": "course-1"}, "members": members})


class Platform(asyncio.Protocol):
    """One connection of the worker's."""

    key_set = b""
    seen: list[tuple[float, str, float]] = []  # noqa: RUF012 -- shared by all connections on purpose
    held: dict[bytes, bytes] = {}  # noqa: RUF012 -- the same

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self.received) < end + 4 + length:
                return
            body, self.received = self.received[end + 4 : end + 4 + length], self.received[end + 4 + length :]
            self._answer(head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/outcomes":
            self._write(self._outcome(body))
        elif path.startswith(b"/people?"):
            self._write_page(*(int(number) for number in _NUMBERS.findall(path)[:2]))
        elif path.endswith(b"/scores"):
            score = orjson.loads(body)
            self.seen.append((time.monotonic(), score["userId"], score.get("scoreGiven", -1)))
            self._write(b"")
        elif path == b"/token":
            self._write(TOKEN)
        elif path == b"/seen":
            self._write(orjson.dumps(self.seen))
            self.seen.clear()
        else:
            self._write(self.key_set)

    def _outcome(self, body: bytes) -> bytes:
        """A replacement is kept, and what was kept is read back."""
        found = _SCORE.search(body)
        if found:
            self.seen.append((time.monotonic(), found[1].decode(), float(found[2])))
            self.held[found[1]] = found[2]
        sourcedid = _SOURCEDID.search(body)
        return DONE % (self.held.get(sourcedid[1], b"") if sourcedid else b"")

    def _write_page(self, members: int, start: int) -> None:
        following, host = start + PAGE, b"http://127.0.0.1:%d" % self.transport.get_extra_info("sockname")[1]
        more = b'Link: <%s/people?members=%d&from=%d>; rel="next"\r\n' % (host, members, following)
        self._write(_page(start, min(following, members)), more if following < members else b"")

    def _write(self, body: bytes, more: bytes = b"") -> None:
        head = b"HTTP/1.1 200 OK\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (more, len(body))
        self.transport.write(head + body)


async def main(port: int, key_set: str) -> None:
    Platform.key_set = key_set.encode()
    server = await asyncio.get_running_loop().create_server(Platform, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
