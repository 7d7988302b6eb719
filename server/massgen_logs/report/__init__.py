"""ANALYSIS_REPORT.md: its structure, its draft with every measured part, its check, and its writing."""
