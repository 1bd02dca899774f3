"""What vendors call the credentials of LTI 1.2 in their e-mails: English, Dutch and German."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

CUSTOM = "custom"
#: A label that stands for something else often enough.
WEAK = 5


@dataclass(frozen=True, slots=True)
class Meaning:
    """``field`` of `VendorMail`; empty: a label that must not be taken for one of ours. ``weakness`` counts against."""

    field: str
    weakness: int = 0


_PHRASES: Mapping[Meaning, str] = {
    Meaning(
        "key"
    ): "consumer key | oauth consumer key | lti key | tool key | tool consumer key | launch key | client key"
    " | provider key | tool provider key | api consumer key | consumer sleutel | consumersleutel | lti sleutel"
    " | klantsleutel | gebruikerssleutel | consumer schlüssel | consumerschlüssel | lti schlüssel | kundenschlüssel"
    " | verbraucherschlüssel | anwenderschlüssel | nutzerschlüssel | consumer id | key | sleutel | schlüssel",
    Meaning("key", WEAK): "publieke sleutel | key name | consumer name",
    Meaning("secret"): "shared secret | consumer secret | oauth consumer secret | lti secret | tool secret | secret key"
    " | launch secret | client secret | provider secret | tool provider secret | key secret | secret"
    " | gedeeld geheim | gedeelde sleutel | gedeelde geheim | consumer geheim | geheime sleutel | geheime code | geheim"
    " | gemeinsames geheimnis | gemeinsamer geheimer schlüssel | geheimer schlüssel | gemeinsamer schlüssel"
    " | consumer geheimnis | geheimnis | geheimschlüssel | secret schlüssel | secret sleutel",
    Meaning("secret", WEAK): "password | wachtwoord | passwort | kennwort",
    Meaning("url"): "launch url | launch uri | launch link | launch address | launch endpoint | launch point | tool url"
    " | lti url | lti link | lti launch url | tool launch url | basic launch url | secure launch url | secure url"
    " | lti endpoint | provider url | tool provider url | start url | launchurl | toolurl | starturl"
    " | lanceer url | lanceerlink | startadres | start adres | lancering url | opstart url | url van de tool"
    " | startadresse | start adresse | aufruf url | aufrufadresse | startlink | start link | url des tools"
    " | url zum starten | lti adresse | launch adresse",
    Meaning(
        "url", WEAK
    ): "url | link | adres | adresse | address | endpoint | resource url | target url | target link uri"
    " | webadres | webadresse | inhalts url",
    Meaning("resource_link_id"): "resource link | resource link id | resourcelink | resourcelinkid | resource id"
    " | bronlink | bron link | bron id | link id | ressourcen link | ressourcenlink | ressourcen id"
    " | ressourcenlink id",
    Meaning(CUSTOM): "custom parameters | custom parameter | custom fields | additional parameters | extra parameters"
    " | custom params | custom | aangepaste parameters | aanvullende parameters | extra velden | aangepaste velden"
    " | benutzerdefinierte parameter | zusätzliche parameter | weitere parameter | eigene parameter",
    Meaning(""): "public key | private key | api key | license key | licence key | licentiesleutel | lizenzschlüssel"
    " | öffentlicher schlüssel | openbare sleutel | privésleutel | public keyset | jwks url | oidc url | login url"
    " | oidc login url | redirect url | redirect uri | token url | support url | icon url | logo url | privacy url"
    " | website url | homepage url | cartridge url | xml url | config url | configuration url | keyset url"
    " | ssh key | product key | activation key | key id | help url | documentation url",
}

_NOTHING = Meaning("")
_MEANINGS: Mapping[str, Meaning] = {
    phrase.replace(" ", ""): meaning for meaning, phrases in _PHRASES.items() for phrase in phrases.split("|")
}
_PHRASED = {phrase.strip() for phrases in _PHRASES.values() for phrase in phrases.split("|")}
#: An alternation of all labels, longest first, however their words are joined.
LABELS = "|".join(
    re.escape(phrase).replace(r"\ ", r"[\s_-]?") for phrase in sorted(_PHRASED, key=lambda each: (-len(each), each))
)


def meaning_of(label: str) -> Meaning:
    """``launchUrl``, ``LAUNCH_URL`` and ``Launch-URL`` are one label; what is none means nothing."""
    return _MEANINGS.get(re.sub(r"[\s_-]+", "", label).lower(), _NOTHING)
