"""Suggested edits, measured through the server: scenarios of others, and held-out changes that others follow."""
