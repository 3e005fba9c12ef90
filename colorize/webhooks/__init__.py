"""Telling an account's own programs what became of its photos: signed, retried, replayable, and
never into a private network.
"""
