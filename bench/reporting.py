"""Computes and formats percentiles, and prints reports."""

from collections.abc import Sequence


def percentile(numbers: Sequence[float], share: float) -> float:
    """Return the percentile of the numbers for a share from 0 to 1. For example, with a share of
    0.95, about 95% of the numbers are smaller than the result. There must be at least one
    number."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def format_tail(seconds: Sequence[float]) -> str:
    """Return the percentiles p50, p95 and p99 in milliseconds, as text."""
    return ", ".join(f"{1000 * percentile(seconds, share):.0f}" for share in (0.5, 0.95, 0.99))


def report(words: str) -> None:
    print(words, flush=True)
