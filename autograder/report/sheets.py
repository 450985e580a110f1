"""Text for spreadsheets: what a person wrote must not become a formula."""

from __future__ import annotations

# Excel, LibreOffice and Google Sheets take a cell that begins with one of these for a formula, or look for one behind
# it (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(text: str) -> str:
    """`text` as a cell that no spreadsheet runs: what would be a formula is marked as text by an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text
