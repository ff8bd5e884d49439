"""Groups instead of ranks: letters, of which two contestants share one just where no difference was shown.

The compact letter display of Piepho (2004, J. Comput. Graph. Stat. 13:456). His way of making it, to split groups
pair by pair, takes 2^k groups where k students differ from their own baseline and from nobody else. Letters are a
cover of the pairs not told apart by groups that are as large as they can be (Gramm et al. 2007, Comput. Stat. Data
Anal. 52:725): each pair that has no letter yet starts one.
"""

from collections.abc import Sequence
from itertools import combinations, combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from thermark.core.errors import DataError

Group = frozenset[int]
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def letters(values: Sequence[float], separated: NDArray[np.bool_]) -> list[tuple[str, ...]]:
    """Return the letters of each contestant, `a` for the group of the lowest value, in the order given.

    `values` (M,) sort the groups, NaN and infinite last; `separated` (M, M) says who was told apart, and not to
    know is False. Raises DataError for a matrix of another shape, an asymmetric one, or one that tells a
    contestant apart from itself.
    """
    count = len(values)
    if separated.shape != (count, count) or (separated != separated.T).any() or separated.diagonal().any():
        raise DataError("who differs from whom is no symmetric table of these contestants", "compare them again")
    order = np.argsort(np.where(np.isfinite(values), values, np.inf), kind="stable")
    groups = _needed(_cover(separated[np.ix_(order, order)]))
    named: list[tuple[str, ...]] = [()] * count
    for place, contestant in enumerate(order):
        named[contestant] = tuple(_letter(at) for at, group in enumerate(groups) if place in group)
    return named


def _cover(separated: NDArray[np.bool_]) -> list[Group]:
    """Return groups without a separated pair, each with all who fit in, that hold all other pairs."""
    covered, everybody = separated.copy(), np.arange(len(separated))
    groups: set[Group] = set()
    for i, j in combinations_with_replacement(range(len(separated)), 2):
        if covered[i, j]:
            continue
        members = sorted({i, j})
        while (fits := ~separated[members].any(axis=0) & ~np.isin(everybody, members)).any():
            # Those first who bring most pairs without a letter: fewer letters.
            members.append(int(np.where(fits, (~covered[members]).sum(axis=0), -1).argmax()))
        covered[np.ix_(members, members)] = True
        groups.add(frozenset(members))
    return sorted(groups, key=sorted)


def _needed(groups: Sequence[Group]) -> list[Group]:
    """Return the groups less those whose pairs are all in others, the last first."""
    holders: dict[tuple[int, ...], int] = {}
    for group in groups:
        for pair in _pairs(group):
            holders[pair] = holders.get(pair, 0) + 1
    kept = list(groups)
    for group in reversed(groups):
        if all(holders[pair] > 1 for pair in _pairs(group)):
            kept.remove(group)
            for pair in _pairs(group):
                holders[pair] -= 1
    return kept


def _pairs(group: Group) -> list[tuple[int, ...]]:
    """Return the pairs of a group and its single members."""
    return [*combinations(sorted(group), 2), *((one,) for one in group)]


def _letter(place: int) -> str:
    """Return a, b .. z, aa, ab .. of 0, 1 .."""
    place, last = divmod(place, len(ALPHABET))
    return (_letter(place - 1) if place else "") + ALPHABET[last]
