"""The floor of Earshot: settings, errors, clock, ids, database, shared tables, audit; nothing above is imported."""
