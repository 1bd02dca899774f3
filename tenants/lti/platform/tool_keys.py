"""The public keys of tools, under the same rules and times as those of platforms."""

from saas.problems import Refused
from tenants.lti.platform.models import Tool, ToolKeys
from tenants.lti.tool.keysets import FetchedKeys, KeySource
from tenants.lti.wire import jws
from tenants.lti.wire.jws import VerifyingKey
from tenants.lti.wire.text import shown


class ToolKeySets(FetchedKeys):
    """Of the tools; one per process."""

    owner = Tool
    kept = ToolKeys
    kept_by = "tool_id"
    owner_name = "tool"

    def verifying_key(self, tenant_id: int, tool: Tool, token: jws.Token) -> VerifyingKey:
        """The key the token names, looked for again when it is not known; call it with no transaction open.

        Raises `Refused` LTI13_KEY_NOT_FOUND or LTI13_JWKS_UNREACHABLE.
        """
        source = source_of(tenant_id, tool)
        held = self.held(source)
        if held is None or not held.serves(token.kid):
            held = self.get(source, kid=token.kid)
        key = held.keys.find(token.kid, token.alg)
        if key is None:
            there = ", ".join(shown(kid, 80) for kid in list(held.keys.keys)[:5]) or "none"
            passed_over = held.keys.passed_over.get(token.kid, "")
            seen = f"{shown(token.kid, 80) or 'no kid'}{': ' if passed_over else ''}{passed_over}"
            wanted = f"a key for {shown(token.alg, 20)}; the tool publishes: {there}"
            raise Refused("LTI13_KEY_NOT_FOUND", seen=seen, wanted=wanted)
        return key


def source_of(tenant_id: int, tool: Tool) -> KeySource:
    return KeySource(tenant_id, tool.id, tool.version, tool.jwks_url, tool.pasted_key)
