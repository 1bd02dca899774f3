"""Taking part: enrolment, attempts, progress, the player."""
