"""Refusals of accounts, courses and learning."""

from saas.problems import Problem

ADMIN = "Your academy's admin"

ACADEMY_PROBLEMS = (
    Problem("SIGN_IN_FAILED", 401, "You could not be signed in", "E-mail and password do not go together.", "You",
            "Check both, or ask your academy's admin for a sign-in link."),
    Problem("SIGN_IN_LINK", 410, "This link is used up", "A sign-in link works once and for a limited time.", ADMIN,
            "Ask for a new link, or sign in with your password."),
    Problem("PASSWORD_LENGTH", 422, "The password has the wrong length", "Passwords have 10 to 200 characters.", "You",
            "Choose a longer one; a short sentence is a good one."),
    Problem("PERSON_UNKNOWN", 404, "There is no such person", "Nobody in this academy has this id.", "You",
            "Go back to the list of people."),
    Problem("PERSON_EMAIL", 422, "This is not an e-mail address", "An address looks like name@example.org.", "You",
            "Correct the address."),
    Problem("PERSON_EXISTS", 409, "Somebody has this address already", "Each e-mail address belongs to one person of the academy.", ADMIN,
            "Find the person in the list instead of adding them again."),
    Problem("PERSON_NAME", 422, "The name is missing", "A person needs a first or a last name.", "You", "Enter the name."),
    Problem("PERSON_ROLE", 422, "There is no such role", "People are learners, authors or admins.", "You", "Choose one of these roles."),
    Problem("PERSON_LAST_ADMIN", 409, "The academy needs an admin", "This is the only active admin.", ADMIN,
            "Make somebody else an admin first."),
    Problem("TITLE_EMPTY", 422, "The title is missing", "It is empty or has no visible characters.", "You", "Enter a title."),
    Problem("BLOCK_INVALID", 422, "The block is not complete", "Something in it is missing or contradicts itself.", "You",
            "Correct what is named."),
    Problem("PICTURE_MISSING", 422, "The picture is missing", "No file was chosen.", "You", "Choose a picture."),
    Problem("PICTURE_INVALID", 422, "This file is not a picture we can read", "It is damaged or of another kind.", "You",
            "Use a PNG, JPEG, WebP or GIF file."),
    Problem("PICTURE_TOO_LARGE", 413, "The picture is too large", "Files may have 6 MB and 40 million pixels.", "You",
            "Make it smaller and try again."),
    Problem("ACTIVITY_EMPTY", 409, "There is nothing to learn yet", "An activity can be published once it has a chapter with a block.", "The author",
            "Add a chapter and a block of text, a picture or a question."),
    Problem("ACTIVITY_CLOSED", 403, "This activity is not open", "It is not published.", "The author", "Ask your academy when it will be."),
    Problem("ATTEMPT_MISSING", 409, "You have not begun yet", "There is no attempt under way in this activity.", "You",
            "Open the activity and press Start."),
    Problem("ANSWER_MISSING", 422, "Choose or enter an answer", "Nothing was chosen, or what was entered is no number.", "You",
            "Answer, then press Check."),
    Problem("QUESTIONS_OPEN", 422, "A question waits for your answer", "Each question of a chapter is answered before the next.", "You",
            "Answer the marked question, then go on."),
)  # fmt: skip
