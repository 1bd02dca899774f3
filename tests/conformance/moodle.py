"""A launch as Moodle 4.5 makes it, after its source: ``mod/lti/locallib.php``, functions ``lti_build_login_request``,
``lti_build_request``, ``lti_build_standard_message`` and ``lti_sign_jwt``, and the services' ``get_launch_parameters``.

Moodle itself does not run here. What is odd is Moodle's: ids are numbers written as text, empty sourcedids are sent, roles
are sorted, extensions stand in a claim ``ext``, a result's sourcedid is JSON inside JSON, tokens live for 60 seconds.
"""

import hashlib
import json
import time
from typing import Any

from tests.conformance.platform import AGS, CLAIM, LEARNER, NRPS, SCOPE

OUTCOMES = "https://purl.imsglobal.org/spec/lti-bos/claim/basicoutcomesservice"
USER, COURSE, ACTIVITY, MODULE, TYPE = "4", "2", "3", "7", "5"


def login(wwwroot: str, client_id: str, target: str) -> dict[str, str]:
    """The fields of the form that posts itself to the tool's login address."""
    return {
        "iss": wwwroot,
        "target_link_uri": target,
        "login_hint": USER,
        "lti_message_hint": json.dumps(
            {"cmid": MODULE, "launchid": f"ltilaunch{ACTIVITY}_1790817654"}, separators=(",", ":")
        ),
        "client_id": client_id,
        "lti_deployment_id": TYPE,
    }


def claims(wwwroot: str, client_id: str, target: str, nonce: str) -> dict[str, Any]:
    now = int(time.time())
    result = {"instanceid": ACTIVITY, "userid": USER, "typeid": TYPE, "launchid": 1790817654}
    sourcedid = {"data": result, "hash": hashlib.sha256(json.dumps(result).encode()).hexdigest()}
    services = f"{wwwroot}/mod/lti/services.php"
    return {
        "nonce": nonce,
        "iat": now,
        "exp": now + 60,
        "iss": wwwroot,
        "aud": client_id,
        CLAIM + "deployment_id": TYPE,
        CLAIM + "target_link_uri": target,
        "sub": USER,
        CLAIM + "lis": {"person_sourcedid": "", "course_section_sourcedid": ""},
        CLAIM + "roles": [LEARNER],
        CLAIM + "context": {"id": COURSE, "label": "TIDES", "title": "Tides & waves", "type": ["CourseSection"]},
        CLAIM + "resource_link": {"title": "Week 1", "description": "First\r\nsecond", "id": ACTIVITY},
        OUTCOMES: {
            "lis_result_sourcedid": json.dumps(sourcedid),
            "lis_outcome_service_url": f"{wwwroot}/mod/lti/service.php",
        },
        "given_name": "Sam",
        "family_name": "Student",
        "name": "Sam Student",
        CLAIM + "ext": {"user_username": "sam", "lms": "moodle-2"},
        "email": "sam@moodle.example",
        CLAIM + "launch_presentation": {
            "locale": "en",
            "document_target": "iframe",
            "return_url": f"{wwwroot}/mod/lti/return.php?course={COURSE}&launch_container=3&instanceid={ACTIVITY}&sesskey=x9",
        },
        CLAIM + "tool_platform": {
            "product_family_code": "moodle",
            "version": "2024100706",
            "guid": hashlib.md5(wwwroot.encode()).hexdigest(),
            "name": "school",
            "description": "A school",
        },
        CLAIM + "version": "1.3.0",
        CLAIM + "message_type": "LtiResourceLinkRequest",
        AGS: {
            "scope": [SCOPE + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")],
            "lineitems": f"{services}/{COURSE}/lineitems?type_id={TYPE}",
            "lineitem": f"{services}/{COURSE}/lineitems/9/lineitem?type_id={TYPE}",
        },
        CLAIM + "custom": {
            "context_memberships_url": f"{services}/CourseSection/{COURSE}/bindings/{TYPE}/memberships",
            "system_setting_url": f"{services}/tool/{TYPE}/custom",
            "context_setting_url": f"{services}/CourseSection/{COURSE}/bindings/tool/{TYPE}/custom",
            "link_setting_url": f"{services}/links/{{link_id}}/custom",
        },
        NRPS: {
            "context_memberships_url": f"{services}/CourseSection/{COURSE}/bindings/{TYPE}/memberships",
            "service_versions": ["1.0", "2.0"],
        },
    }
