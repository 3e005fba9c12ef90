"""Spans of time in the units of a clock."""

from datetime import datetime, timedelta

from django import template

register = template.Library()


@register.filter
def span(length: timedelta) -> str:
    """42 s, 3 min, 2 h 5 min, 3 d 4 h."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


@register.filter
def since(moment: datetime, now: datetime) -> str:
    return span(now - moment)
