"""The academy plays the other LMS against itself, and asks the other LMS's addresses whether they answer."""
