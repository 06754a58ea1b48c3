"""The form of a schedule: what it asks, in which words, and where what is wrong is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.urls import reverse

from commandcenter.accounts.models import User
from commandcenter.dashboard import schedule_reading as reading
from commandcenter.dashboard.schedule_words import MISFIRES, OVERLAPS, UNITS
from commandcenter.inventory.models import Project, ProjectQuerySet
from exports.registry import FORMATS
from jobs.exceptions import FieldError
from jobs.models import JobType
from schedules.exceptions import InvalidSchedule
from schedules.keeping import change_schedule, create_schedule
from schedules.models import MisfirePolicy, OverlapPolicy, Schedule
from schedules.timing.words import WEEKDAYS

WORKS = [
    (JobType.ANALYSIS.value, "Analyse a repository"),
    (JobType.BATCH_ANALYSIS.value, "Analyse many"),
    (JobType.EXPORT.value, "Export the project"),
    (reading.OTHER, "Something else"),
]
FREQUENCIES = ["once", "interval", "hourly", "daily", "weekly", "monthly", "cron"]
WORK_FIELDS = frozenset(
    ["work", "repository", "ref", "force", "scope", "tag", "format", "job_type", "parameters"]
)
_FIELD_OF = {
    "interval_seconds": "interval_number",
    "jitter_seconds": "jitter_number",
    "misfire_grace_seconds": "grace_number",
}


@lru_cache(maxsize=1)
def zone_names() -> list[str]:
    """Return the names of time zones that are offered; any other one that the database knows may be typed."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def _text(label: str, help_text: str = "", *, most: int = 200, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", **attrs})
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text, widget=widget)


def _number(label: str, help_text: str = "", **attrs: Any) -> forms.CharField:
    return _text(label, help_text, type="number", min=0, inputmode="numeric", **attrs)


def _choice(label: str, choices: Any, initial: str = "", *, radio: bool = False) -> forms.ChoiceField:
    widget = forms.RadioSelect() if radio else forms.Select()
    return forms.ChoiceField(label=label, choices=choices, initial=initial, required=radio, widget=widget)


def _unit(initial: str) -> forms.ChoiceField:
    return _choice("Unit", [(unit, unit) for unit in UNITS], initial)


class ScheduleForm(forms.Form):
    """All that people are asked; which fields count depends on the work and on the frequency."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label=None)
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"placeholder": "Nightly analysis"}))
    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    tags = _text("Tags", "Separated by commas.", most=1100)
    work = _choice("What it does", WORKS, JobType.ANALYSIS, radio=True)
    repository = _text("Repository", "Type a part of its name.", list="repository-names", spellcheck="false")
    ref = _text("Branch, tag or commit", "Left empty, the default branch.", most=255, spellcheck="false")
    force = forms.BooleanField(required=False, label="Analyse again where nothing has changed")
    scope = _choice(
        "Which repositories", [("all", "All of the project"), ("tag", "Those with a tag")], "all", radio=True
    )
    tag = _text("Tag of the repositories")
    format = _choice("Format", [(each.info.id, each.info.name) for each in FORMATS.values()])
    job_type = _choice("Type", JobType.choices)
    parameters = forms.CharField(
        label="Parameters, as JSON",
        required=False,
        max_length=20_000,
        initial="{}",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
    )

    frequency = _choice("How often", [(each, each.title()) for each in FREQUENCIES], "daily", radio=True)
    run_at = _text("Moment", "On the clock of the time zone.", type="datetime-local")
    interval_number = _number("Every", placeholder="6")
    interval_unit = _unit("hours")
    minute = _number("Minute of the hour", placeholder="0", max=59)
    time = _text("Time of the day", type="time")
    weekday = _choice("Day of the week", list(enumerate(WEEKDAYS, 1)))
    month_day = _choice(
        "Day of the month", [*((day, str(day)) for day in range(1, 32)), ("last", "The last one")]
    )
    cron = _text(
        "Cron expression", "Minute, hour, day, month, day of the week: 30 2 * * MON-FRI",
        placeholder="30 2 * * MON-FRI", spellcheck="false",
    )  # fmt: skip
    timezone = _text("Time zone", list="zone-names", spellcheck="false")
    window_start = _text("Runs only from", type="time")
    window_end = _text("Runs only until", "Left empty, all day. It may cross midnight.", type="time")
    starts_at = _text("Starts", "Left empty, at once.", type="datetime-local")
    ends_at = _text("Ends", "Left empty, never.", type="datetime-local")
    dst_gap = _choice(
        "A time that the clocks jump over",
        [("run", "Run when they have"), ("skip", "Skip it on that day")],
        "run",
    )
    dst_overlap = _choice(
        "A time that the clocks show twice",
        [("first", "Run at the first"), ("both", "Run at both")],
        "first",
    )
    jitter_number = _number("Spread over", "Starts up to so much later, so that not all start at once.")
    jitter_unit = _unit("minutes")

    overlap_policy = _choice(
        "When an earlier run has not ended", list(OVERLAPS.items()), OverlapPolicy.SKIP, radio=True
    )
    misfire_policy = _choice(
        "When runs were missed", list(MISFIRES.items()), MisfirePolicy.FIRE_ONCE, radio=True
    )
    grace_number = _number("A run is missed when it is late by")
    grace_unit = _unit("minutes")
    pause_after_failures = _number("Pause after so many failures in a row", "Left empty, never by itself.")

    def __init__(
        self, *args: Any, projects: ProjectQuerySet, stored: Schedule | None = None, **kwargs: Any
    ) -> None:
        given = {"timezone": "UTC", "time": "02:30", "grace_number": 5, "jitter_number": 0, "weekday": 1}
        if stored is not None:
            given |= reading.initial_of(stored) | {"project": stored.project_id}
        kwargs["initial"] = given | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.stored = stored
        field = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        field.queryset = projects
        field.disabled = stored is not None
        self.fields["repository"].widget.attrs |= {
            "hx-get": reverse("dashboard:schedule-repositories"),
            "hx-trigger": "input changed delay:200ms, focus",
            "hx-include": "[name=project]",
            "hx-target": "#repository-names",
        }

    @property
    def given(self) -> dict[str, str]:
        """What was sent, as texts: readers say what is wrong with it; PostgreSQL takes no NUL."""
        data: Mapping[str, Any] = self.data
        return {name: str(data.get(name, "")).replace("\0", "").strip() for name in self.fields}

    def times(self) -> dict[str, Any] | None:
        """Return when it fires and its jitter; None after showing what is wrong."""
        values: dict[str, Any] = {}
        self._read(lambda: values.update(jitter_seconds=reading.seconds_of(self.given, "jitter") or 0))
        self._read(lambda: values.update(reading.timing_values(self.given, self.stored)))
        return values if values.keys() >= {"jitter_seconds", "frequency"} else None

    def save(self, by: User) -> Schedule | None:
        """Make or change the schedule; None after showing what is wrong."""
        if not self.is_valid():
            return None
        values: dict[str, Any] = {
            "name": self.cleaned_data["name"],
            "description": self.cleaned_data["description"],
        }
        if "tags" in self.changed_data:
            values["tags"] = list(
                dict.fromkeys(tag for each in self.given["tags"].split(",") if (tag := each.strip()))
            )
        project: Project = self.cleaned_data["project"]
        self._read(lambda: values.update(reading.timing_values(self.given, self.stored)))
        self._read(lambda: values.update(reading.policy_values(self.given)))
        if self.stored is None or self._work_changed():
            self._read(lambda: values.update(reading.work_values(self.given, project)))
        saved: list[Schedule] = []
        if not self.errors:
            self._read(lambda: saved.append(self._saved(project, values, by)))
        return saved[0] if saved else None

    def _work_changed(self) -> bool:
        """Tell whether it is to do something else: what was overtaken by time and is left alone stays."""
        if self.given["work"] == reading.OTHER:
            sent, shown = self.given["parameters"], str(self["parameters"].initial)
            if sent.replace("\r\n", "\n") != shown:
                return True
        return bool((WORK_FIELDS - {"parameters"}) & set(self.changed_data))

    def _saved(self, project: Project, values: dict[str, Any], by: User) -> Schedule:
        if self.stored is None:
            return create_schedule(project=project, values=values, by=by)
        return change_schedule(self.stored, values, by=by)

    def _read(self, read: Callable[[], Any]) -> None:
        try:
            read()
        except InvalidSchedule as error:
            self.refuse(error.errors)

    def refuse(self, errors: list[FieldError]) -> None:
        """Show each error at the field at fault, or above the form."""
        for error in errors:
            name = self._field_at_fault(error["field"])
            self.add_error(name if name in self.fields else None, error["message"])

    def _field_at_fault(self, name: str) -> str:
        if name == "time" and self.given["frequency"] == "hourly":
            return "minute"
        if not name.startswith("parameters"):
            return _FIELD_OF.get(name, name)
        if self.given["work"] == reading.OTHER:
            return "parameters"
        part = name.partition(".")[2]
        if self.given["work"] == JobType.EXPORT:
            return "format"
        return part if part in WORK_FIELDS else "tag" if self.given["scope"] == "tag" else "repository"
