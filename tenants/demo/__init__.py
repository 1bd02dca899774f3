"""Two academies to look at, made on the first start of a development installation."""
