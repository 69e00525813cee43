"""Whom may we contact, and when again: people, teams, rules, and the claims that hold them to it."""
