"""Courses, activities and what they are made of."""
