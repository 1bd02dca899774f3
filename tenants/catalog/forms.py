"""Forms of authors."""

import re

from wtforms import (
    BooleanField,
    FieldList,
    FileField,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from saas.web.forms import Form, cleaned
from saas.web.i18n import _
from tenants.catalog.blocks import QuestionKind
from tenants.catalog.models import ActivityType, Opens
from tenants.catalog.services import HIGHEST_MINIMUM, LOWEST_MINIMUM, TEXT_LENGTH, TITLE_LENGTH

QUESTION_KINDS = {
    QuestionKind.SINGLE: _("One right answer"),
    QuestionKind.MULTIPLE: _("Several right answers"),
    QuestionKind.NUMBER: _("A number"),
}


class CourseForm(Form):
    title = StringField(_("Title"), [DataRequired(_("Enter a title")), Length(max=TITLE_LENGTH)], filters=[cleaned])
    summary = TextAreaField(
        _("Summary"),
        [Optional(), Length(max=TEXT_LENGTH)],
        description=_("One or two sentences; learners see them in the catalog."),
    )


class GroupForm(Form):
    title = StringField(_("Title"), [DataRequired(_("Enter a title")), Length(max=TITLE_LENGTH)], filters=[cleaned])
    description = TextAreaField(
        _("Description"),
        [Optional(), Length(max=TEXT_LENGTH)],
        description=_("The people of the group read it on the group's page."),
    )


class ActivityForm(Form):
    title = StringField(_("Title"), [DataRequired(_("Enter a title")), Length(max=TITLE_LENGTH)], filters=[cleaned])
    description = TextAreaField(_("Description"), [Optional(), Length(max=TEXT_LENGTH)])
    duration_minutes = IntegerField(
        _("Duration in minutes"), [Optional(), NumberRange(1, 6000, _("Enter minutes between 1 and 6000"))]
    )


class MicrolearningForm(ActivityForm):
    duration_minutes = IntegerField(
        _("Duration in minutes"),
        [Optional(), NumberRange(5, 10, _("Enter minutes between 5 and 10"))],
        description=_("A microlearning takes 5 to 10 minutes."),
    )


class MinimumField(IntegerField):
    """A whole percentage that must be there: nothing is rounded, and nothing is filled in."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        self.data = int(text) if re.fullmatch(r"[0-9]{1,3}", text) else None
        if self.data is None or not LOWEST_MINIMUM <= self.data <= HIGHEST_MINIMUM:
            raise ValueError(_("Enter a whole number between 1 and 100"))


class ExamForm(ActivityForm):
    minimum_score = MinimumField(
        _("Minimum score"),
        description=_("In percent, between 1 and 100. Who reaches it has passed; below it, failed."),
    )


ACTIVITY_FORMS: dict[ActivityType, type[ActivityForm]] = {
    ActivityType.E_LEARNING: ActivityForm,
    ActivityType.MICROLEARNING: MicrolearningForm,
    ActivityType.PLAYLIST: ActivityForm,
    ActivityType.EXAM: ExamForm,
    ActivityType.MEETING: ActivityForm,
}


class ItemForm(Form):
    """What a playlist asks of one of its activities."""

    mandatory = BooleanField(
        _("Mandatory"), description=_("Progress and the score add up over the mandatory activities.")
    )
    opens = RadioField(
        _("Opens"),
        choices=[
            SelectChoice(Opens.AT_ONCE.value, _("At once")),
            SelectChoice(Opens.AFTER_PREVIOUS.value, _("After the previous one is completed")),
        ],
    )


class CardForm(Form):
    title = StringField(
        _("Card title"), [DataRequired(_("Enter a title")), Length(max=TITLE_LENGTH)], filters=[cleaned]
    )


class ChapterForm(Form):
    title = StringField(
        _("Chapter title"), [DataRequired(_("Enter a title")), Length(max=TITLE_LENGTH)], filters=[cleaned]
    )


class TextForm(Form):
    markdown = TextAreaField(
        _("Text"),
        [DataRequired(_("Write something")), Length(max=20_000)],
        description=_("Markdown: **bold**, *italic*, ## heading, - list, [link](https://…), tables."),
        render_kw={"rows": 14},
    )


class ImageForm(Form):
    picture = FileField(_("Picture"), description=_("PNG, JPEG, WebP or GIF, at most 6 MB."))
    alt = StringField(
        _("What is to be seen"),
        [Length(max=500)],
        description=_("For people who cannot see the picture."),
        filters=[cleaned],
    )
    decorative = BooleanField(_("Only decoration: it carries no information"))
    caption = StringField(_("Caption"), [Optional(), Length(max=500)], filters=[cleaned])


class ChoiceForm(Form):
    text = StringField(_("Answer"), [Length(max=500)], filters=[cleaned])
    correct = BooleanField(_("Right"))


class QuestionForm(Form):
    kind = SelectField(
        _("Kind of answer"), choices=[SelectChoice(kind.value, label) for kind, label in QUESTION_KINDS.items()]
    )
    prompt = StringField(_("Question"), [DataRequired(_("Enter the question")), Length(max=500)], filters=[cleaned])
    choices = FieldList(FormField(ChoiceForm), min_entries=4, max_entries=20)
    number = StringField(_("Right number"), [Length(max=40)], filters=[cleaned])
    tolerance = StringField(
        _("Tolerance"),
        [Length(max=40)],
        description=_("Also right: anything this near to the number."),
        filters=[cleaned],
    )
    feedback = TextAreaField(
        _("Explanation"), [Optional(), Length(max=2000)], description=_("Shown after the answer, right or wrong.")
    )
