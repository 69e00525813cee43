"""Scripts of the project that run outside the program: they make what the repository ships."""
