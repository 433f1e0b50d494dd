"""Markers of a moment."""

from __future__ import annotations

from datetime import datetime

import pytest

from rekall.temporal import TemporalMarkers, get_temporal_markers

HOURS = {
    **dict.fromkeys(range(5, 12), "morning"),
    **dict.fromkeys(range(12, 17), "afternoon"),
    **dict.fromkeys(range(17, 21), "evening"),
    **dict.fromkeys([21, 22, 23, 0, 1, 2, 3, 4], "night"),
}


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_has_its_time_of_day(hour: int) -> None:
    """5-11 morning, 12-16 afternoon, 17-20 evening, else night."""
    assert TemporalMarkers.from_datetime(datetime(2025, 1, 1, hour, 59)).time_of_day == HOURS[hour]


def test_days_are_english() -> None:
    """From a Monday on, in lower case."""
    days = [TemporalMarkers.from_datetime(datetime(2025, 1, 6 + offset)).day_of_week for offset in range(7)]
    assert days == ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def test_now_is_the_default() -> None:
    """The moment lies between two looks at the clock."""
    before = datetime.now()
    markers = TemporalMarkers.from_datetime()
    assert before <= markers.created_at <= datetime.now()
    assert before <= get_temporal_markers().created_at


def test_what_is_known_stands() -> None:
    """Overrides win, unchecked as in 0.3; an empty one is none."""
    moment = datetime(2025, 1, 6, 9)
    assert get_temporal_markers("night", "sunday", moment) == TemporalMarkers("night", "sunday", moment)
    assert get_temporal_markers("", None, moment) == TemporalMarkers("morning", "monday", moment)
    assert get_temporal_markers(time_of_day="dusk", dt=moment).to_dict()["time_of_day"] == "dusk"


def test_as_a_dict_and_back() -> None:
    """Nothing is lost; all three keys are needed."""
    markers = TemporalMarkers("evening", "friday", datetime(2025, 1, 3, 18, 30, 1, 5))
    data = markers.to_dict()
    assert data == {"time_of_day": "evening", "day_of_week": "friday", "created_at": "2025-01-03T18:30:01.000005"}
    assert TemporalMarkers.from_dict(data) == markers
    for key in data:
        with pytest.raises(KeyError):
            TemporalMarkers.from_dict({name: value for name, value in data.items() if name != key})
    with pytest.raises(ValueError, match="isoformat"):
        TemporalMarkers.from_dict({**data, "created_at": "yesterday"})
