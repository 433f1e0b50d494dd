"""When an entry was captured, as a person remembers it: the time of day and the day of the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

TimeOfDay = Literal["morning", "afternoon", "evening", "night"]
DayOfWeek = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_DAYS: tuple[DayOfWeek, ...] = get_args(DayOfWeek)


@dataclass
class TemporalMarkers:
    """The markers of one moment."""

    time_of_day: TimeOfDay
    day_of_week: DayOfWeek
    created_at: datetime

    @classmethod
    def from_datetime(cls, dt: datetime | None = None) -> TemporalMarkers:
        """The markers of a moment, of now if left out; the days are English in every locale."""
        moment = datetime.now() if dt is None else dt
        return cls(_time_of_day(moment.hour), _DAYS[moment.weekday()], moment)

    def to_dict(self) -> dict[str, Any]:
        """The three markers, the moment as ISO text."""
        return {
            "time_of_day": self.time_of_day,
            "day_of_week": self.day_of_week,
            "created_at": self.created_at.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TemporalMarkers:
        """What `to_dict` gave.

        Raises:
            KeyError: one of the three keys is missing.
            ValueError: the moment is not ISO text.
        """
        return cls(data["time_of_day"], data["day_of_week"], datetime.fromisoformat(data["created_at"]))


def get_temporal_markers(
    time_of_day: str | None = None, day_of_week: str | None = None, dt: datetime | None = None
) -> TemporalMarkers:
    """The markers of a moment, with what is already known put in their place.

    Args:
        time_of_day: stands as it is unless empty. Likewise day_of_week.
        dt: the moment, now if left out.
    """
    markers = TemporalMarkers.from_datetime(dt)
    if time_of_day:
        markers.time_of_day = cast(TimeOfDay, time_of_day)
    if day_of_week:
        markers.day_of_week = cast(DayOfWeek, day_of_week)
    return markers


def _time_of_day(hour: int) -> TimeOfDay:
    if 5 <= hour < 12:
        return "morning"
    if 12 <= hour < 17:
        return "afternoon"
    return "evening" if 17 <= hour < 21 else "night"
