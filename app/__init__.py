"""The roof: chooses the real parts (`wiring`), serves the API and the pages, and holds the command line."""
