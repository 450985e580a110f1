"""Which names a piece of source needs from outside, and which it defines: read off Python's own symbol table."""

from __future__ import annotations

import builtins
import symtable
from collections.abc import Iterator

# IPython puts these two beside Python's own builtins.
EVERYWHERE = frozenset(dir(builtins)) | {"display", "get_ipython"}


def needed(source: str) -> frozenset[str]:
    """The names that `source` reads and does not define: globals of its functions, and its annotations and defaults."""
    return frozenset(_read(_table(source))) - defined(source) - EVERYWHERE


def defined(source: str) -> frozenset[str]:
    """The names that `source` leaves behind at its top level: assignments, imports, functions and classes."""
    symbols = _table(source).get_symbols()
    return frozenset(symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported())


def _table(source: str) -> symtable.SymbolTable:
    return symtable.symtable(source, "<cell>", "exec")


def _read(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _read(child)
