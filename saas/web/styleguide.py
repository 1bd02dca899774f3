"""``/styleguide``: every part of the look in every state, on any host, where ``lyceum.web.styleguide`` is on."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED
from wtforms import (
    BooleanField,
    EmailField,
    FileField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    URLField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from saas.web.forms import Form
from saas.web.rendering import page


class Samples(Form):
    """One field of each kind, in words that need no translation because only developers read them."""

    text = URLField("Issuer")
    email = EmailField("E-mail", [Optional()])
    password = PasswordField("Password")
    select = SelectField(
        "Language",
        choices=[SelectChoice("en", "English"), SelectChoice("de", "Deutsch"), SelectChoice("nl", "Nederlands")],
    )
    address = StringField("Address of the academy")
    score = IntegerField("Minimum score")
    textarea = TextAreaField("Description", [Optional()])
    radio = RadioField(
        "Kind of activity", choices=[SelectChoice("e-learning", "E-learning"), SelectChoice("exam", "Exam")]
    )
    checkbox = BooleanField("Send me a message when a result could not be sent")
    toggle = BooleanField("Available for LTI")
    file = FileField("Picture", description="PNG or JPEG, at most 6 MB.")


def styleguide(_request: Request) -> dict[str, Any]:
    form = Samples(data={"text": "canvas.example.edu", "address": "aurora", "score": 70, "toggle": True})
    form.refuse("text", "Enter the whole address, beginning with https://")
    return {"form": form}


def includeme(config: Configurator) -> None:
    if config.registry.runtime.settings.web.styleguide:
        config.add_route("styleguide", "/styleguide")
        config.add_view(
            styleguide,
            route_name="styleguide",
            request_method="GET",
            permission=NO_PERMISSION_REQUIRED,
            renderer=page("styleguide.html"),
        )
