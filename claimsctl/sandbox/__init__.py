"""Local versions of the payers' claim status interfaces, with invented claims and faults on demand.

Written from the wire contracts and not from the connectors, so that a mistake of a connector shows.
"""
