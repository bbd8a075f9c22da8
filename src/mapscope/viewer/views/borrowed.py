"""Settings of someone else, changed for a while and given back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class _Loan:
    """One attribute as it was, and as it was set."""

    owner: Any
    name: str
    before: Any
    after: Any


@dataclass
class Borrowed:
    """Attributes that were changed for a while.

    What somebody else changed in the meantime stays as they left it.
    """

    _loans: dict[tuple[int, str], _Loan] = field(default_factory=dict)

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute, and remember what it was the first time."""
        loan = self._loans.setdefault(
            (id(owner), name), _Loan(owner, name, getattr(owner, name), value)
        )
        setattr(owner, name, value)
        loan.after = getattr(owner, name)

    def is_changed(self, owner: Any, name: str) -> bool:
        """Whether somebody else has changed an attribute since it was set here."""
        loan = self._loans.get((id(owner), name))
        return loan is not None and not _are_equal(getattr(owner, name), loan.after)

    def forget(self, owner: Any) -> None:
        """Leave an owner as it is from now on."""
        self._loans = {key: loan for key, loan in self._loans.items() if loan.owner is not owner}

    def give_back(self) -> None:
        """Set everything to what it was, the last change first."""
        for loan in reversed(list(self._loans.values())):
            if _are_equal(getattr(loan.owner, loan.name), loan.after):
                setattr(loan.owner, loan.name, loan.before)
        self._loans.clear()


def _are_equal(one: Any, other: Any) -> bool:
    """Whether two settings are the same, numbers up to rounding."""
    try:
        return bool(np.allclose(one, other))
    except (TypeError, ValueError):
        return bool(np.all(one == other))
