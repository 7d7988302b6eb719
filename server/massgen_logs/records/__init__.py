"""Span records of a run under Logfire's column names, SQL over them, and their export."""
