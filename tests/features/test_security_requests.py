"""What a stranger may send without costing others anything: outsize cookies, invented methods."""

import os
import resource
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest

from saas.web.request import PLAIN_FORM, TidyRequest
from tests.house import ROOT, House

#: Seconds of processor; one pass over the header takes a thousandth of one.
BUDGET = 20
LONGEST_HEADER = 64 * 1024


def cookies_of(header: str) -> Any:
    return TidyRequest.blank("/", environ={"HTTP_COOKIE": header}).cookies


@pytest.mark.parametrize("part", ["a", "a=", "=", " ", ";", '"', "a=\\"])
def test_a_long_cookie_header_is_read_in_one_pass(part: str) -> None:
    """WebOb's expression needs minutes for a header of 60 kB without a ``=``."""
    program = (
        "from saas.web.request import TidyRequest as R;"
        f"R.blank('/', environ={{'HTTP_COOKIE': {part!r} * ({LONGEST_HEADER} // {len(part)})}}).cookies.get('session')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (BUDGET, BUDGET)),
    )
    assert done.returncode == 0


def test_a_body_the_server_holds_is_not_copied() -> None:
    """pyramid_retry wants to read it again; waitress has it whole, in memory or in a file."""
    body = BytesIO(b"a=1&b=2")
    request = TidyRequest.blank("/", environ={"wsgi.input": body, "CONTENT_LENGTH": "7", "REQUEST_METHOD": "POST"})
    request.content_type = PLAIN_FORM
    assert request.body == b"a=1&b=2"
    request.make_body_seekable()
    assert request.body_file_raw is body
    assert dict(request.POST) == {"a": "1", "b": "2"}


def test_a_body_that_comes_once_is_kept() -> None:
    read, write = os.pipe()
    os.write(write, b"a=1&b=2 and what belongs to the next request")
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        request = TidyRequest.blank(
            "/", environ={"wsgi.input": stream, "CONTENT_LENGTH": "7", "REQUEST_METHOD": "POST"}
        )
        request.make_body_seekable()
        assert [request.body, request.body] == [b"a=1&b=2"] * 2


def test_cookies_are_read_as_browsers_send_them() -> None:
    assert cookies_of("") == {}
    header = 'a=1; __Host-b=x=y==;c = z ; d; =e; q="7"; a=2'
    assert cookies_of(header) == {"a": "2", "__Host-b": "x=y==", "c": "z", "q": "7"}
    assert TidyRequest.blank("/").cookies.get("a") is None


def test_odd_bytes_in_a_cookie_are_nobodys_session(house: House) -> None:
    browser = house.academy().browser()
    for odd in ("\xff\xfe" * 20, "\xc3\xa9" * 20, '"' + "a" * 40 + '"'):
        cookies = "; ".join(f"__Host-{name}={odd}" for name in ("session", "csrf", "flash"))
        answer = browser.app.get("/profile", headers={"Cookie": cookies}, expect_errors=True)
        assert answer.status_int == 303
        browser.app.get("/sign-in", headers={"Cookie": cookies}, status=200)


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_invented_methods_do_not_grow_the_metrics(house: House) -> None:
    """Every new label is a time series that stays in memory as long as the process."""
    kit = house.academy()
    for host in (kit.host, "nobody.example"):
        for method in ("AAAA", "BBBB", "X" * 5000):
            house.browser(host).app.request("/", method=method, status="*")
    samples = next(iter(house.runtime.metrics.requests.collect())).samples
    methods = {sample.labels["method"] for sample in samples}
    assert methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "-"}
