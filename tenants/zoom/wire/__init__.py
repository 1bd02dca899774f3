"""What Zoom LTI Pro and Moodle's web service say to each other, and nothing else: no database, no HTTP, no pages."""
