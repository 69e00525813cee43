"""The JSON API under /api/v1: thin routes over the services, one problem body for every error."""
