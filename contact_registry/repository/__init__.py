"""All SQL of the registry, one module per concept, as plain functions that take a Session first.

Nothing here commits and nothing here judges: services open the transaction, `eligibility` decides.
"""
