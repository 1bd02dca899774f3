"""The move from LTI 1.x: the claim links people only when the old secret signed it."""

from typing import Any

import pytest

from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.migration import Lti1p1, Verdict, judge, read_lti1p1, sign
from tests.protocol.lms import CLIENT, ISSUER, NONCE, SECONDS, Platform

KEY, SECRET = "old-key", "old secret ü"


def launched(platform: Platform, claim: object, **changes: object) -> LaunchClaims:
    return platform.launch(platform.claims(lti1p1=claim, **changes))


def claim(**changes: Any) -> dict[str, Any]:
    signature = sign(KEY, SECRET, deployment_id="1", issuer=ISSUER, client_id=CLIENT, exp=SECONDS + 58, nonce=NONCE)
    whole = {
        "oauth_consumer_key": KEY,
        "oauth_consumer_key_sign": signature,
        "user_id": "old-4711",
        "resource_link_id": "old-17",
        "context_id": "old-3",
        "tool_consumer_instance_guid": "guid",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def test_the_signature_of_the_migration_guide() -> None:
    parts = {
        "deployment_id": "689302",
        "issuer": "https://lmsvendor.com",
        "client_id": "PM48OJSfGDTAzAo",
        "exp": 1551290856,
        "nonce": "172we8671fd8z",
    }
    signature = sign("179248902", "my-lti11-secret", **parts)  # type: ignore[arg-type]  # -- the parts are mixed
    assert signature == "lWd54kFo5qU7xshAna6v8BwoBm6tmUjc6GTax6+12ps="


def test_km_005_a_proven_claim(platform: Platform) -> None:
    launch = launched(platform, claim())
    assert judge(launch, [SECRET]) is Verdict.PROVEN
    assert judge(launch, ["newer", SECRET]) is Verdict.PROVEN
    read = read_lti1p1(launch)
    assert read is not None
    assert (read.key, read.user_id, read.resource_link_id, read.context_id, read.consumer_guid) == (
        KEY,
        "old-4711",
        "old-17",
        "old-3",
        "guid",
    )
    assert read.signature not in repr(read)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"oauth_consumer_key_sign": None}, Verdict.UNSIGNED),
        ({"oauth_consumer_key_sign": ""}, Verdict.UNSIGNED),
        ({"oauth_consumer_key_sign": ["x"]}, Verdict.UNSIGNED),
        ({"oauth_consumer_key": None}, Verdict.UNSIGNED),
        ({"oauth_consumer_key_sign": "ü"}, Verdict.NOT_GENUINE),
        ({"oauth_consumer_key": "other-key"}, Verdict.NOT_GENUINE),
    ],
)
def test_km_006_a_claim_that_proves_nothing(platform: Platform, changes: dict[str, Any], verdict: Verdict) -> None:
    assert judge(launched(platform, claim(**changes)), [SECRET]) is verdict


def test_km_006_a_wrong_secret_and_an_unknown_key(platform: Platform) -> None:
    launch = launched(platform, claim())
    assert judge(launch, ["wrong"]) is Verdict.NOT_GENUINE
    assert judge(launch, None) is Verdict.UNKNOWN_KEY
    assert judge(launch, []) is Verdict.UNKNOWN_KEY
    absent: list[object] = [{}, None, "x"]
    for nothing in absent:
        assert judge(launched(platform, nothing), [SECRET]) is Verdict.ABSENT
        assert read_lti1p1(launched(platform, nothing)) is None


@pytest.mark.parametrize("left_out", ["user_id", "resource_link_id", "context_id"])
def test_km_007_what_is_left_out_is_the_same_as_before(platform: Platform, left_out: str) -> None:
    launch = launched(platform, claim(**{left_out: None}))
    read = read_lti1p1(launch)
    assert isinstance(read, Lti1p1)
    same = {"user_id": "4711", "resource_link_id": "17", "context_id": "3"}
    assert getattr(read, left_out) == same[left_out]
    assert judge(launch, [SECRET]) is Verdict.PROVEN


def test_km_008_a_signature_holds_for_its_token_alone(platform: Platform) -> None:
    assert judge(launched(platform, claim(), exp=SECONDS + 57), [SECRET]) is Verdict.NOT_GENUINE
    again = platform.launch(platform.claims(lti1p1=claim(), nonce="another"), nonce="another")
    assert judge(again, [SECRET]) is Verdict.NOT_GENUINE
