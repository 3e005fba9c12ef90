"""Tokens: how a program signs in as an account. Several per account, each with a name and an end;
only a hash is kept (django-rest-knox).
"""
