"""The form of an endpoint of webhooks: what it asks, in which words, and where what is wrong is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.urls import reverse

from commandcenter.accounts.models import User
from commandcenter.dashboard import endpoint_reading as reading
from commandcenter.dashboard.event_choices import Subject, offered, subjects
from commandcenter.inventory.models import Project, ProjectQuerySet
from commandcenter.outbound import LONGEST_URL
from jobs.exceptions import FieldError, InvalidParameters
from webhooks import keeping
from webhooks.addresses import require_reachable
from webhooks.deciding.conditions import SEVERITIES
from webhooks.models import Endpoint
from webhooks.validation import LONGEST_TIMEOUT, MOST_A_MINUTE

LONGEST_TEXT = 20_000


def _text(label: str, help_text: str = "", *, most: int = LONGEST_TEXT, **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", **attrs})
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text, widget=widget)


class EndpointForm(forms.Form):
    """All that people are asked about an endpoint."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label=None)
    url = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        help_text="Each event is sent there by POST. It is looked up when you leave the field.",
        widget=forms.TextInput(
            attrs={
                "type": "url", "placeholder": "https://hooks.example.com/command-center",
                "spellcheck": "false", "autocomplete": "off",
            }
        ),
    )  # fmt: skip
    description = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"placeholder": "The on-call bot"})
    )
    events = forms.MultipleChoiceField(choices=offered, required=False)
    patterns = _text(
        "Other patterns", "Separated by commas, such as *.failed: a star stands for one side of the dot."
    )
    min_severity = forms.ChoiceField(
        label="Severity at least",
        required=False,
        choices=[("", "Any"), *((each, each.capitalize()) for each in SEVERITIES)],
    )
    repository_tags = _text("Only repositories with one of these tags", "Separated by commas.")
    repositories = _text("Only these repositories", "Their names, separated by commas.")
    headers = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT * 3,
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "spellcheck": "false",
                "class": "mono",
                "placeholder": "Authorization: Bearer ...",
            }
        ),
        help_text="One a line. They are stored encrypted and never shown again: ******** stands for a stored value.",
    )
    rate_limit = forms.IntegerField(
        label="At most so many a minute",
        required=False,
        min_value=1,
        max_value=MOST_A_MINUTE,
        help_text="Left empty, as they come.",
    )
    timeout_seconds = forms.IntegerField(
        label="Seconds for an answer", min_value=1, max_value=LONGEST_TIMEOUT, initial=15
    )
    ordered = forms.BooleanField(
        required=False, label="One at a time, each after the one before is over, so that they stay in order"
    )

    def __init__(
        self, *args: Any, projects: ProjectQuerySet, stored: Endpoint | None = None, **kwargs: Any
    ) -> None:
        kwargs["initial"] = (reading.initial_of(stored) if stored else {}) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.stored = stored
        field = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        field.queryset = projects
        field.disabled = stored is not None
        self.fields["url"].widget.attrs |= {
            "hx-post": reverse("dashboard:endpoint-check"),
            "hx-trigger": "change",
            "hx-target": "#url-said",
            "hx-sync": "this:replace",
        }

    @property
    def subjects(self) -> list[tuple[Subject, bool]]:
        """What the picker shows; the subjects of which something is checked are open."""
        chosen = self.chosen
        return [(each, not chosen.isdisjoint(each.patterns)) for each in subjects()]

    @property
    def chosen(self) -> set[str]:
        """The patterns that are checked."""
        return set(self["events"].value() or ())

    def save(self, by: User) -> tuple[Endpoint, str | None] | None:
        """Make or change the endpoint; return it and the secret of a new one. None after showing what is wrong.

        Raises Endpoint.DoesNotExist for one that was deleted in the meantime.
        """
        if not self.is_valid():
            return None
        data = self.cleaned_data
        values: dict[str, Any] = {
            name: data[name] for name in ("url", "description", "rate_limit", "timeout_seconds", "ordered")
        }
        values["url"] = data["url"].strip()
        values["events"] = reading.patterns_of(data["events"], data["patterns"])
        self._read(lambda: values.update(headers=reading.headers_of(data["headers"])))
        self._read(lambda: values.update(conditions=reading.conditions_of(data, data["project"])))
        if self.stored is None or values["url"] != self.stored.url:
            self._read(lambda: require_reachable(values["url"]))
        saved: list[tuple[Endpoint, str | None]] = []
        if not self.errors:
            self._read(lambda: saved.append(self._saved(values, by)))
        return saved[0] if saved else None

    def _saved(self, values: dict[str, Any], by: User) -> tuple[Endpoint, str | None]:
        if self.stored is None:
            return keeping.create_endpoint(project=self.cleaned_data["project"], values=values, by=by)
        return keeping.change_endpoint(self.stored, values, by=by), None

    def _read(self, read: Callable[[], Any]) -> None:
        try:
            read()
        except InvalidParameters as error:
            self.refuse(error.errors)

    def refuse(self, errors: list[FieldError]) -> None:
        """Show each error at the field at fault, or above the form."""
        for error in errors:
            name = error["field"]
            self.add_error(name if name in self.fields else None, error["message"])
