"""E-mails of vendors taken apart: many spellings in three languages, and what is left when mails are forwarded."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.lti.wire.vendor_mail import MAIL_LIMIT, VendorMail, read_vendor_mail

URL = "https://tool.example/lti/launch?course=9"
WHOLE = VendorMail(key="k-17", secret="s3cr3t+/=", url=URL)


def mail(key: str, secret: str, url: str, by: str = ": ") -> str:
    return f"Dear customer,\n\n{key}{by}k-17\n{secret}{by}s3cr3t+/=\n{url}{by}{URL}\n\nKind regards"


@pytest.mark.parametrize(
    ("key", "secret", "url"),
    [
        ("Key", "Secret", "Launch-URL"),
        ("LTI 1.1 Consumer Key", "Shared Secret", "Launch URL"),
        ("oauth_consumer_key", "oauth_consumer_secret", "launch_url"),
        ("consumerKey", "sharedSecret", "launchUrl"),
        ("CLIENT KEY", "SECRET KEY", "TOOL URL"),
        ("Your key (consumer key)", "Your secret (shared secret)", "Link"),
        ("Sleutel", "Gedeeld geheim", "Start-URL"),
        ("Consumersleutel", "Geheime sleutel", "Webadres"),
        ("Schlüssel", "Geheimnis", "Startadresse"),
        ("Kundenschlüssel", "Gemeinsamer geheimer Schlüssel", "Aufruf-URL"),
        ("Ihr Schlüssel", "Das Passwort", "URL"),
        ("- **Key", "- **Secret", "- **Launch URL"),
        ("1. Key", "2. Secret", "3. Launch URL"),
    ],
)
def test_every_spelling_of_the_labels(key: str, secret: str, url: str) -> None:
    for by in (": ", " = ", "：", "\t", " | ", " -> ", " – ", ":\n", ":\n\n"):
        assert read_vendor_mail(mail(key, secret, url, by)) == WHOLE, by


@pytest.mark.parametrize(
    "text",
    [
        f"> > Key: k-17\r\n> > Secret: s3cr3t+/=\r\n>> Launch URL: <{URL}>",
        f"| Key | k-17 |\n| Secret | s3cr3t+/= |\n| URL | {URL} |",
        f"Key\tSecret\tLaunch URL\nk-17\ts3cr3t+/=\t{URL}",
        f"Key / Secret: k-17, s3cr3t+/=\nURL: {URL}",
        f"Key: k-17, Secret: s3cr3t+/=, Launch URL: {URL}.",
        f"Use “k-17” below.\nKey: “k-17”\nSecret: `s3cr3t+/=`\nLaunch URL: '{URL}'",
        f"The key is k-17 and the secret is s3cr3t+/=. The launch URL is {URL}.",
        f"Der Schlüssel lautet k-17, das Geheimnis lautet s3cr3t+/=. Die Startadresse ist {URL}.",
        f"De sleutel is k-17 en het geheim is s3cr3t+/=. Het startadres is {URL}.",
        f"Key:\u00a0k-17\u200b\nSecret: \ufeffs3cr3t+/=\nLaunch URL: {URL}",
        f"<p>Key: <b>k-17</b><br/>Secret: <code>s3cr3t+/=</code></p><p>Launch URL: <a href='{URL}'>click here</a></p>",
        f"""<table><tr><th>Key</th><td>k-17</td></tr><tr><th>Secret</th><td>s3cr3t&#43;/&#61;</td></tr>
        <tr><th>URL</th><td><a href='{URL}'>{URL}</a></td></tr></table>""",
        f"Key: k-17\nSecret: s3cr3t+/=3D\nLaunch URL: {URL.replace('=', '=3D')}=\n\n",
        f"Key: k-17\nSecret: s3cr3t+/=\n\nStart here: {URL}\nOur website: https://tool.example/",
        f"Key: k-17\nSecret: s3cr3t+/=\nLaunch URL: https://eur03.safelinks.protection.outlook.com/?url={quote(URL)}&data=x",
        f"Key: k-17\nSecret: s3cr3t+/=\nLaunch URL: {URL}\n\n> Key: old\n> Secret: older\n> Launch URL: https://x.example/",
        f"Public key: AAAA\nLicence key: BBBB\nIcon URL: https://x.example/i\nKey: k-17\nSecret: s3cr3t+/=\nURL: {URL}",
        json.dumps({"lti": {"consumer_key": "k-17", "shared_secret": "s3cr3t+/=", "launch_url": URL}}),
        "Here it is:\n" + json.dumps([{"Key": "k-17"}, {"Secret": "s3cr3t+/="}, {"Launch-URL": URL}])[1:-1],
    ],
)
def test_however_the_mail_came(text: str) -> None:
    assert read_vendor_mail(text) == WHOLE


def test_a_cartridge_among_the_words() -> None:
    text = f"""Key: k-17
Secret: s3cr3t+/=
<?xml version="1.0"?><cartridge_basiclti_link xmlns:blti="b" xmlns:lticm="c"><blti:title>T</blti:title>
<blti:custom><lticm:property name="level">3</lticm:property></blti:custom>
<blti:launch_url>http://tool.example/old</blti:launch_url>
<blti:secure_launch_url>{URL}&amp;x=1</blti:secure_launch_url></cartridge_basiclti_link>"""
    found = read_vendor_mail(text)
    assert (found.key, found.secret, found.url) == ("k-17", "s3cr3t+/=", f"{URL}&x=1")
    assert found.custom == (("level", "3"),)


@pytest.mark.parametrize(
    "text",
    [
        "Custom parameters:\nlevel=3\ncourse=a b\n\nKey: k",
        "Custom parameters: level=3; course=a b\nKey: k",
        "Aanvullende parameters\nlevel = 3\ncourse = a b",
        "Zusätzliche Parameter: level=3, course=a b",
        "custom_level=3\ncustom_course: a b",
        '{"custom": {"level": 3, "course": "a b"}}',
        '{"custom_parameters": "level=3\\ncourse=a b"}',
    ],
)
def test_additional_parameters(text: str) -> None:
    assert read_vendor_mail(text).custom == (("level", "3"), ("course", "a b"))


def test_a_resource_link_is_found() -> None:
    found = [
        read_vendor_mail(text).resource_link_id for text in ("Resource-link: 42", "resource_link_id=42", "Bronlink: 42")
    ]
    assert found == ["42", "42", "42"]


def test_what_is_not_there_is_not_made_up() -> None:
    nothing = read_vendor_mail("Hello,\nplease find the key facts attached. The link to our site: see below.\nBye")
    assert (nothing.secret, nothing.url, nothing.custom) == ("", "", ())
    assert read_vendor_mail("").is_empty
    assert read_vendor_mail("Launch URL: javascript:alert(1)").url == ""
    assert read_vendor_mail("Launch URL: tool.example/launch").url == "https://tool.example/launch"


def test_lti_13_is_recognised_as_such() -> None:
    found = read_vendor_mail(
        "LTI 1.3\nOIDC login URL: https://x.example/login\nJWKS URL: https://x.example/jwks\nClient ID: 1"
    )
    assert found.is_lti13
    assert found.is_empty
    assert not read_vendor_mail(f"LTI 1.1 or 1.3? Key: k Secret: s URL: {URL}").is_lti13


@given(st.text(alphabet=st.sampled_from(list("keysecrtURL:=<>/|\t\n {}[]\",'&;.-_*()1 \u200b")), max_size=300))
def test_anything_is_survived(text: str) -> None:
    found = read_vendor_mail(text)
    assert all("\n" not in value for value in (found.key, found.secret, found.url))


@pytest.mark.parametrize(
    "part",
    [
        "key: ",
        "<a href=",
        "<",
        "key (",
        "a\t",
        "\n",
        "a=b,",
        "https://",
        "custom_a=1\n",
        "=\n",
        "[{",
        "Custom:\n",
        "<x>a</",
        "> ",
    ],
)
def test_a_long_mail_is_read_to_its_end(part: str) -> None:
    """A search that goes back and forth in it would not end before the session's own limit."""
    assert read_vendor_mail(part * 100_000).secret == ""


@pytest.mark.parametrize(
    "text",
    [
        "<a>" + " " * MAIL_LIMIT,
        ("<a>" + " " * 2000) * 50,
        ("<a><![CDATA[" + " " * 2000 + "]]>" + " " * 2000) * 25,
        "<a " + "href=http://" * 160 + "a" * MAIL_LIMIT,
        "<a href=http://" + "a" * MAIL_LIMIT,
        ("<a " + "href=http://" * 160 + "a" * 4000) * 17,
        ("<a href=http://a>" + "a" * 2000) * 50,
        "<property name='a'" + " " * MAIL_LIMIT,
        "key (" * 1000 + "key" + " " * MAIL_LIMIT,
        " " * MAIL_LIMIT + "key",
        ("custom=a=1 " * 360 + "\n") + ("a=1," * 990 + "\n") * 25,
        "custom=a\n" * 12_000,
    ],
)
def test_whoever_writes_against_the_reader_is_read_to_the_end(text: str) -> None:
    """Each was minutes of going back and forth, or of reading the same lines again."""
    assert read_vendor_mail(text).secret == ""


@pytest.mark.parametrize("entity", ["&#" + "9" * 5000 + ";", "&#x" + "f" * 5000, "&#" + "9" * 5000])
def test_a_number_nobody_can_mean_is_survived(entity: str) -> None:
    assert read_vendor_mail(f"Key: k-17\nSecret: s3cr3t+/=\n{entity}\nURL: {URL}") == WHOLE


def test_links_are_found_among_other_attributes() -> None:
    link = f'<a class="b" target=\'_blank\' HREF="{URL}" rel=nofollow>\n click </a>'
    assert read_vendor_mail(f"Key: k-17<br>Secret: s3cr3t+/=<br>URL: {link}") == WHOLE
    assert read_vendor_mail(f"Key: k-17<br>Secret: s3cr3t+/=<br>URL: <a name=x>{URL}</a>") == WHOLE


def test_every_list_of_parameters_of_a_mail_is_read() -> None:
    text = "Custom parameters: level=3\ncourse=a b\n\nKey: k\n\nExtra parameters:\nunit=4"
    assert read_vendor_mail(text).custom == (("level", "3"), ("course", "a b"), ("unit", "4"))
