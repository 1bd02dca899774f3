"""The languages of the screens; English is the source of all catalogues."""

LOCALES = ("en",)
