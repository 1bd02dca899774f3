# ruff: noqa: E501 -- sentences of a course read best on one line
"""What the demonstration academies teach. Plain data; `tenants.demo.services` turns it into courses."""

from typing import Any

Chapter = tuple[str, list[dict[str, Any]]]


def text(markdown: str) -> dict[str, Any]:
    return {"block": "text", "markdown": markdown}


def choose(prompt: str, right: str | list[str], wrong: list[str], feedback: str) -> dict[str, Any]:
    answers = [right] if isinstance(right, str) else right
    kind = "single" if isinstance(right, str) else "multiple"
    choices = [{"text": each, "correct": True} for each in answers] + [
        {"text": each, "correct": False} for each in wrong
    ]
    return {
        "block": "question",
        "kind": kind,
        "prompt": prompt,
        "choices": sorted(choices, key=lambda each: str(each["text"])),
        "feedback": feedback,
    }


def number(prompt: str, right: str, tolerance: str, feedback: str) -> dict[str, Any]:
    return {
        "block": "question",
        "kind": "number",
        "prompt": prompt,
        "number": right,
        "tolerance": tolerance,
        "feedback": feedback,
    }


TIDES: list[Chapter] = [
    (
        "Why the sea rises and falls",
        [
            text(
                "Twice a day the sea comes and goes. The **Moon** pulls on the water nearest to it a little more than on the Earth as a whole, "
                "and on the far side a little less. Two bulges of water form, and the Earth turns beneath them.\n\n"
                "- When a coast passes through a bulge, it is *high tide*.\n- In between it is *low tide*.\n\n"
                "The Sun does the same with a bit less than half the strength."
            ),
            choose(
                "How many high tides does most of the world see in a day?",
                "Two",
                ["One", "Four"],
                "One bulge faces the Moon, the other lies opposite.",
            ),
        ],
    ),
    (
        "Spring tides and neap tides",
        [
            text(
                "At new moon and full moon, Sun and Moon pull along one line: the range is large, a **spring tide**. "
                "At the half moons they pull across each other: a **neap tide**.\n\n"
                "| Moon | Tide | Range |\n|---|---|---|\n| new, full | spring | large |\n| half | neap | small |"
            ),
            choose(
                "When are spring tides to be expected?",
                ["At new moon", "At full moon"],
                ["At half moon", "In spring only"],
                "The name has nothing to do with the season.",
            ),
        ],
    ),
    (
        "Reckoning with the tide",
        [
            text(
                "From low to high water takes about six hours and thirteen minutes. Sailors split the rise with the **rule of twelfths**: "
                "1, 2, 3, 3, 2 and 1 twelfths of the range in the six hours.\n\n"
                "> Time and tide wait for no one, but they can be worked out beforehand."
            ),
            number(
                "The range is 6 metres. How many metres does the water rise in the third hour?",
                "1.5",
                "0.01",
                "Three twelfths of six metres.",
            ),
        ],
    ),
]

KNOTS: list[Chapter] = [
    ("Two knots for a lifetime", [text("The **bowline** makes a loop that neither slips nor jams. The **figure eight** stops a line from running out."),
                                  choose("Which knot makes a fixed loop?", "Bowline", ["Figure eight", "Half hitch"], "The figure eight is a stopper.")]),
]  # fmt: skip

WEATHER: list[Chapter] = [
    ("Look up", [text("A **halo** around sun or moon, thin high clouds that thicken: within a day it may rain.")]),
    ("Look at the glass", [text("Pressure that falls by more than **1 hPa in an hour** announces a strong wind."),
                           choose("Which of these announces a strong wind?", "Pressure that falls quickly", ["Pressure that rises slowly", "A red evening sky"], "The faster it falls, the sooner it blows.")]),
    ("Look at the water", [text("A long swell without wind comes from a storm elsewhere. Ask where it is heading.")]),
    ("Decide early", [text("Reef *before* you think about reefing. Nobody ever regretted an evening in harbour."),
                      choose("When is a sail reefed?", "Early", ["When the wind has come", "When the boat heels"], "In the dark, with wet hands, it takes three times as long.")]),
]  # fmt: skip

BREAD: list[Chapter] = [
    (
        "Four ingredients",
        [
            text("Flour, water, salt and time. Everything else in a loaf is what these four do to each other."),
            choose(
                "Which of these is not needed for bread?",
                "Sugar",
                ["Water", "Flour"],
                "Yeasts live on what the flour itself offers.",
            ),
        ],
    ),
    (
        "Baker's percentages",
        [
            text(
                "Bakers weigh against the flour: *flour is 100 %*, everything else is a share of it. A dough of 70 % hydration has 700 g of water for each kilogram of flour."
            ),
            number("How many grams of water belong to 500 g of flour at 70 %?", "350", "0", "0.7 × 500 g = 350 g."),
        ],
    ),
]

ARITHMETIC: list[Chapter] = [
    ("Reckon", [number("How many grams of salt belong to 1000 g of flour at 2 %?", "20", "0", "0.02 × 1000 g = 20 g."),
                number("A dough of 800 g flour has 600 g of water. What is its hydration in percent?", "75", "0", "600 ÷ 800 = 0.75."),
                number("Twelve loaves of 750 g: how many kilograms of dough?", "9", "0", "12 × 0.75 kg = 9 kg.")]),
    ("Judge", [choose("A dough of 80 % hydration is …", "sticky and open-crumbed", ["stiff and fine-crumbed", "not a dough"], "Much water makes large holes, and wet hands."),
               choose("What slows a rising dough down?", ["Cold", "Salt"], ["Warmth"], "A night in the refrigerator is a day in the kitchen.")]),
]  # fmt: skip

SOURDOUGH: list[Chapter] = [
    ("A guest in a jar", [text("Flour and water, a spoonful of each, once a day: after a week **wild yeasts** have moved in, and stay as long as they are fed."),
                          choose("What does a sourdough live on?", "Flour and water", ["Sugar and milk", "Yeast from the shop"], "The yeasts come by themselves.")]),
]  # fmt: skip

OVEN: list[Chapter] = [
    ("At the oven", [choose("What makes a crust shine?", "Steam", ["Butter", "A second oven"], "Steam keeps the crust soft until the loaf has risen."),
                     choose("When is a loaf done?", ["It sounds hollow", "It is 96 °C inside"], ["It is black"], "A knuckle or a thermometer, both are right."),
                     number("A loaf of 1000 g loses 15 % in the oven. How many grams come out?", "850", "0", "0.85 × 1000 g = 850 g.")]),
]  # fmt: skip

ACADEMIES: list[dict[str, Any]] = [
    {
        "slug": "north",
        "name": "North Academy",
        "people": [("admin@north.example", "Nora", "Admin", "admin"), ("author@north.example", "Anders", "Author", "author"), ("learner@north.example", "Lena", "Learner", "learner")],
        "courses": [
            {
                "title": "The sea",
                "summary": "What moves the water, and how to live with it.",
                "activities": [
                    {"title": "Tides", "description": "Why the sea rises and falls, and how to reckon with it.", "minutes": 20, "chapters": TIDES, "shared": True},
                    {"title": "Knots", "description": "Two knots for a lifetime.", "minutes": 5, "chapters": KNOTS, "shared": False},
                    {"type": "microlearning", "title": "Signs of a storm", "description": "Four cards for the pocket.", "minutes": 6, "chapters": WEATHER, "shared": True},
                    {"type": "learning-playlist", "title": "First day aboard", "description": "What everybody knows before we cast off.", "minutes": 30, "shared": True,
                     "items": [("Signs of a storm", True, "at-once"), ("Tides", True, "after-previous"), ("Knots", False, "at-once")]},
                ],
            }
        ],
    },
    {
        "slug": "south",
        "name": "South Academy",
        "people": [("admin@south.example", "Sofia", "Admin", "admin"), ("learner@south.example", "Lukas", "Learner", "learner")],
        "courses": [
            {
                "title": "Bread",
                "summary": "Good bread needs little, and patience.",
                "activities": [
                    {"title": "A first loaf", "description": "From four ingredients to a loaf.", "minutes": 15, "chapters": BREAD, "shared": True},
                    {"title": "Baker's arithmetic", "description": "Five questions, to see whether the loaf will be one.", "minutes": 10, "chapters": ARITHMETIC, "shared": True},
                    {"title": "Sourdough", "description": "Yeasts that come by themselves.", "minutes": 5, "chapters": SOURDOUGH, "shared": True},
                    {"title": "At the oven", "description": "Three questions in the last hour of a loaf.", "minutes": 5, "chapters": OVEN, "shared": True},
                ],
            }
        ],
    },
]  # fmt: skip
