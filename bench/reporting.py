"""The figures of a report, and its lines."""

from collections.abc import Sequence


def percentile(numbers: Sequence[float], share: float) -> float:
    """The number that this share of them does not exceed."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def format_tail(seconds: Sequence[float]) -> str:
    """p50, p95 and p99 in milliseconds."""
    return ", ".join(f"{1000 * percentile(seconds, share):.0f}" for share in (0.5, 0.95, 0.99))


def report(words: str) -> None:
    print(words, flush=True)
