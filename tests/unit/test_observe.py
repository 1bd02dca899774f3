"""The log: one line of JSON for each event, every line of a request with its id, and no secret in any of them."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from saas.observe import configure_logging
from saas.settings import LogSettings
from tests.house import House


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What a production process says from here on."""
    root, before, out = logging.getLogger(), structlog.get_config(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    with contextlib.redirect_stderr(out):
        configure_logging(LogSettings(format="json", level="info"))
    yield out
    structlog.contextvars.clear_contextvars()
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(said: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_every_line_of_a_request_has_the_id_that_its_answer_shows(house: House, said: io.StringIO) -> None:
    browser = house.academy().browser()
    answer = browser.get("/sign-in?token=quicksilver", headers={"X-Request-Id": "forged"})
    told = [line for line in lines(said) if line["event"] == "request"]
    assert [(line["request"], line["route"], line["status"]) for line in told] == [
        (answer.headers["X-Request-Id"], "sign_in", 200)
    ]
    assert "forged" not in said.getvalue()
    assert "quicksilver" not in said.getvalue()


def test_secrets_are_blanked_and_no_input_forges_a_line(said: io.StringIO) -> None:
    structlog.get_logger().info(
        "tried", id_token="eyJ", client_secret="s3", Authorization="Bearer x", name='Ada\n{"event": "forged"}\u2028'
    )
    logging.getLogger("a.library").warning("it says\n%s", "more")
    first, second = lines(said)
    assert [first[name] for name in ("id_token", "client_secret", "Authorization")] == ["***"] * 3
    assert "\n" not in str(first["name"])
    assert (first["level"], first["event"], second["level"]) == ("info", "tried", "warning")
    assert {"timestamp"} <= first.keys() & second.keys()
