"""What each line of the report is called on the page."""

from collections.abc import Mapping
from types import MappingProxyType

PLATFORM_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "learner": "A learner opens an activity",
        "teacher": "A teacher opens an activity",
        "audiences": "The audience is a list",
        "clock": "Their clock is a little ahead",
        "picking": "A teacher chooses activities",
        "login_incomplete": "The login leaves out who is coming",
        "login_client": "The login names an unknown client",
        "login_target": "The login wants to go to another site",
        "state_unknown": "An answer to a question we never asked",
        "state_twice": "The same launch twice",
        "platform_error": "The platform reports an error of its own",
        "other_browser": "Another browser than the one that asked",
        "no_token": "Something that is no token",
        "unsigned": "A token without a signature",
        "shared_secret": "A token signed with a public key as its secret",
        "unknown_key": "A token signed with a key nobody published",
        "forged": "A token signed by somebody else under a published name",
        "changed": "A token changed after it was signed",
        "issuer": "A token of another issuer",
        "expired": "A token that has expired",
        "future": "A token of the future",
        "old": "A token issued long ago",
        "audience": "A token meant for somebody else",
        "nonce": "A token that answers another question",
        "version": "Another version of LTI",
        "message_type": "A kind of launch we do not know",
        "deployment": "A deployment that is not listed",
        "no_roles": "A launch without roles",
        "nobody": "A launch without a person",
        "no_link": "A launch without a resource link",
        "foreign_target": "A launch that wants to go to another site",
        "draft": "A draft is opened",
        "unshared": "An activity that is not available for LTI is opened",
        "staff": "A stranger with the e-mail address of your staff",
        "student_picks": "A learner tries to choose activities",
    }
)
KEY_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "learner": "A learner opens the activity",
        "teacher": "A teacher opens the activity",
        "version_1p1": "The version is written LTI-1p1",
        "clock": "Their clock is a little ahead",
        "get": "The address is opened like a page",
        "repeated": "A parameter comes twice",
        "message_type": "A kind of launch we do not know",
        "version": "Another version of LTI",
        "no_nonce": "A signature without its nonce",
        "late": "A launch signed more than five minutes ago",
        "early": "A launch signed in the future",
        "unknown_key": "A key nobody has",
        "other_activity": "The key of this activity at another one",
        "secret": "A launch signed with another secret",
        "address": "A launch signed for another address",
        "added": "A parameter added after signing",
        "replayed": "The same launch twice",
        "no_link": "A launch without a resource link",
        "no_user": "A launch without a user ID",
        "no_email": "Somebody new without an e-mail address",
        "no_name": "Somebody new without a name",
    }
)
ADDRESSES: Mapping[str, str] = MappingProxyType(
    {
        "jwks_dns": "JWKS URL: the host has an address",
        "jwks_tls": "JWKS URL: the connection is secure",
        "jwks_status": "JWKS URL: it answers",
        "jwks_json": "JWKS URL: the answer is a key set",
        "jwks_keys": "The other system's keys can be used",
        "auth_dns": "OIDC URL: the host has an address",
        "auth_tls": "OIDC URL: the connection is secure",
        "auth_status": "OIDC URL: it answers",
        "token_dns": "Access token URL: the host has an address",
        "token_tls": "Access token URL: the connection is secure",
        "token_status": "Access token URL: it answers",
        "token_json": "Access token URL: the answer is JSON",
        "token_given": "The platform knows our key and gives us a token",
        "clock": "The clocks agree",
    }
)
