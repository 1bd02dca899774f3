"""The set-up page's data: no product leaves out a value, and what is fixed is an address one can call."""

import pytest

from tenants.lti.wire.dialects import DIALECTS
from tenants.lti.wire.setup_sheets import GENERIC, SHEETS, Ours, Sheet, Theirs
from tenants.lti.wire.text import web_url


def test_every_product_admins_meet_has_a_sheet() -> None:
    names = {sheet.name for sheet in SHEETS.values()}
    assert {dialect.name for dialect in DIALECTS} | {"Open edX", "OpenOlat"} == names - {GENERIC.name}
    assert list(SHEETS)[-1] == "generic"


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_every_value_has_its_name_there(sheet: Sheet) -> None:
    assert set(sheet.ours) == set(Ours)
    assert set(sheet.theirs) == set(Theirs)
    labels = [*sheet.ours.values(), *sheet.theirs.values(), sheet.place]
    assert all(label == label.strip() and label for label in labels)
    assert len(set(sheet.theirs.values())) == len(Theirs)
    assert all(web_url(value) for value in sheet.fixed.values())
