"""The base of every form: cleans what people paste, says so, and speaks their language.

`cleaned` removes what nobody means to type (spaces around, zero-width and control characters). A form knows which of
its fields it changed that way (`Form.cleaned_fields`), so that the page can say it.
"""

import unicodedata
from dataclasses import replace
from typing import Any

import wtforms
from pyramid.request import Request

from saas.web.rendering import translate


def cleaned(value: Any) -> Any:
    """A one-line value without surrounding space and invisible characters; inner spaces become single ones."""
    if not isinstance(value, str):
        return value
    kept = "".join(
        " " if char.isspace() else char for char in value if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join(kept.split())


def compact(value: Any) -> Any:
    """For identifiers and addresses: no white space at all."""
    return cleaned(value).replace(" ", "") if isinstance(value, str) else value


class _Translations:
    def gettext(self, text: str) -> str:
        return translate(text)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return singular if number == 1 else plural


class Form(wtforms.Form):
    """WTForms over a Pyramid request: ``SomeForm.of(request, obj=…)``; valid only when it was really sent."""

    class Meta:
        def get_translations(self, _form: wtforms.Form) -> _Translations:
            return _Translations()

    @classmethod
    def of(cls, request: Request, **values: Any) -> "Form":
        form = cls(request.POST if request.method == "POST" else None, **values)
        form.was_sent = request.method == "POST"
        return form

    was_sent = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for field in self:
            field.label.text, field.description = translate(field.label.text), translate(field.description)
            if isinstance(field, wtforms.SelectField):
                field.choices = [replace(choice, label=translate(choice.label)) for choice in field.choices]

    def accepted(self) -> bool:
        return self.was_sent and self.validate()

    def validate(self, *arguments: Any, **options: Any) -> bool:
        valid = super().validate(*arguments, **options)
        for field in self:
            field.errors = [translate(each) if isinstance(each, str) else each for each in field.errors]
        return bool(valid)

    def refuse(self, field: str, text: str) -> None:
        """An error found later, by a service, shown where it belongs."""
        self[field].errors = (*self[field].errors, translate(text))

    @property
    def cleaned_fields(self) -> list[str]:
        """Labels of the fields whose pasted value had to be cleaned."""
        changed = []
        for field in self:
            raw = field.raw_data[0] if getattr(field, "raw_data", None) else None
            if (
                isinstance(raw, str)
                and isinstance(field.data, str)
                and field.filters
                and raw.replace("\r\n", "\n") != field.data
                and field.data
            ):
                changed.append(str(field.label.text))
        return changed
