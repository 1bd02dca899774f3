"""What admins and teachers of other LMSs do here without an account, and our admin with them: wired together."""

from pyramid.config import Configurator

from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Protocol
from tenants.lti.tool.content_selection import ContentItemAnswer
from tenants.lti.tool.deep_linking import DeepLinkAnswer
from tenants.lti.tool.selection import Answers

VIEWS = (
    "picker_views",
    "review_views",
    "registration_views",
    "question_views",
    "roster_views",
    "introduction_views",
    "policy_views",
    "person_case_views",
)


def includeme(config: Configurator) -> None:
    """After the key ring is there."""
    runtime = config.registry.runtime
    answers = runtime.parts[Answers] = Answers()
    answers.add(Protocol.LTI_13, DeepLinkAnswer(runtime.part(KeyRing)))
    answers.add(Protocol.LTI_12, ContentItemAnswer(runtime.secrets))
    for views in VIEWS:
        config.include(f"tenants.lti.tool.{views}")
    config.scan("tenants.lti.tool.sharing_jobs", categories=["lyceum"])
