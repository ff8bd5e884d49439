"""Do the ids of two kinds of files meet, as they do when the archives belong together."""

from collections.abc import Collection

from thermark.datasets.readers.loaded import Check, Verdict

PUBLISHED = (100, 1_000, 100_000)  # sizes in which FaceSynthetics and T-FAKE are given out


def check(one: str, ids: Collection[str], other: str, others: Collection[str], of_larger: bool = True) -> Check:
    """Return whether two kinds of files, called `one` and `other`, have the same ids.

    Some that do not meet are a warning; when fewer than half do, the check fails: archives were mixed. Half of the
    larger side counts, or, unless `of_larger`, half of the first: then the second may hold more than is used.
    """
    both = len(set(ids) & set(others))
    needed = max(len(ids), len(others)) if of_larger else len(ids)
    found = (
        f"{both:,} in both, {len(ids) - both:,} only {one}, {len(others) - both:,} only {other}"
        if both < max(len(ids), len(others))
        else f"{both:,} in both"
    )
    verdict: Verdict = "ok"
    remedy = ""
    if 2 * both < needed:
        verdict, remedy = "failed", f"fetch {one} and {other} files of the same size: these do not belong together"
    elif both < max(len(ids), len(others)):
        verdict, remedy = "warning", "only ids that meet are used; fetch the others, or go on without"
    return Check(f"ids of {one} and {other} files", "the same ids", found, verdict, remedy)


def published_size(count: int) -> int:
    """Return the smallest published size that has `count` ids, or the largest."""
    return next((size for size in PUBLISHED if count <= size), PUBLISHED[-1])


def whole(files: int, bad: int, points: int) -> Check:
    """Return whether label files hold their points: `bad` of `files` do not; more than half of them is failure."""
    expected, found = (
        f"{points} points in each file",
        f"{points} points in {files - bad:,} of {files:,} label files",
    )
    if not bad:
        return Check("labels", expected, found, "ok")
    return Check("labels", expected, found, "failed" if 2 * bad > files else "warning", "fetch the labels again")
