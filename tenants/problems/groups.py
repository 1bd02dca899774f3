"""What can be refused with groups of a course, and with meetings in it."""

from saas.problems import Problem

AUTHOR = "The author"

GROUPS_PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "GROUP_TITLE_TAKEN",
        409,
        "Another group has this title",
        "Each group of a course has a title of its own.",
        AUTHOR,
        "Choose another title.",
    ),
    Problem(
        "MEETING_NOT_SHARED",
        409,
        "A meeting cannot be opened from other learning systems",
        "Zoom knows this academy's people only, and a meeting has no result to send back.",
        AUTHOR,
        "Let people open it here; share an e-learning or an exam instead.",
    ),
    Problem(
        "PLAYLIST_MEETING",
        409,
        "A meeting cannot be part of a playlist",
        "A playlist adds up results, and a meeting has none.",
        AUTHOR,
        "Add an activity that can be completed; the meeting stays in its course.",
    ),
)
