"""What is true, and what each outside LMS was told about it."""
