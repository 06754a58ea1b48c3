"""The forms by which deliveries of an endpoint are sent again: since a time, and what a filter finds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from commandcenter.events.catalogue import public_types
from webhooks.bulk.chosen import YEARS, Chosen
from webhooks.models import DeliveryStatus, Endpoint

STATUSES = [
    (DeliveryStatus.EXHAUSTED, "Exhausted: no attempt is left"),
    (DeliveryStatus.CANCELLED, "Cancelled: given up by hand"),
    (DeliveryStatus.PENDING, "Pending: at once, not when it is due"),
    (DeliveryStatus.SUCCEEDED, "Delivered: once more, under the same id"),
]


def _moment(label: str, help_text: str, *, required: bool) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=required, help_text=help_text, widget=widget)


def _in_range(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.year not in YEARS:
        raise forms.ValidationError(f"Give a time from {YEARS[0]} to {YEARS[-1]}.")
    return moment


class RecoverForm(forms.Form):
    """Since when an endpoint is to be told again."""

    since = _moment("Since", "UTC.", required=True)

    def clean_since(self) -> datetime | None:
        """Refuse what the database cannot compute with."""
        return _in_range(self.cleaned_data["since"])


class ResendForm(forms.Form):
    """Which deliveries are to be sent again."""

    status = forms.MultipleChoiceField(
        label="Which stand so", choices=STATUSES, widget=forms.CheckboxSelectMultiple()
    )
    type = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "Every type"), *((each.name, each.name) for each in public_types())],
    )
    made_from = _moment("Made from", "UTC. Left empty, whenever.", required=False)
    made_until = _moment("Made until", "UTC. Left empty, until now.", required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins, and what the database cannot compute with."""
        data = super().clean() or {}
        for name in ("made_from", "made_until"):
            try:
                _in_range(data.get(name))
            except forms.ValidationError as error:
                self.add_error(name, error)
        since, until = data.get("made_from"), data.get("made_until")
        if since and until and until < since:
            self.add_error("made_until", "It ends before it begins.")
        return data

    def chosen(self, endpoint: Endpoint) -> Chosen:
        """Return the filter of a form that is valid."""
        data = self.cleaned_data
        types = [data["type"]] if data["type"] else []
        return Chosen(endpoint.pk, sorted(data["status"]), types, data["made_from"], data["made_until"])
