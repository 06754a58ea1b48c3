"""What a change of clocks does to a firing, as sentences."""

from __future__ import annotations

from schedules.timing.occurrences import Note, Occurrence


def notes_of(found: Occurrence) -> list[str]:
    """Return what is to be said of one firing, mostly nothing."""
    match found.note:
        case Note.MOVED:
            return [
                f"The clocks go forward to {found.local:%H:%M}, over the time of this run; it runs when they have."
            ]
        case Note.FIRST:
            return ["The clocks go back, so that this time comes twice; this is the first."]
        case Note.SECOND:
            return ["The clocks go back, so that this time comes twice; this is the second."]
    return []
