"""Numbers as a reader of the report wants them."""

import math


def percent(rate: float) -> str:
    """`12.3 %` of a fraction of one; a dash for what is not finite."""
    return f"{100 * rate:.1f} %" if math.isfinite(rate) else "–"


def counted(count: int, noun: str) -> str:
    """`1 word`, `2,000 words`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def lasting(seconds: float) -> str:
    """`48 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
