"""The form of a project's policy: one row of fields per condition, and blank ones to add more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from commandcenter.analysis.models import Policy
from commandcenter.analysis.policy import conditions
from commandcenter.analysis.policy.catalogue import COMPLEXITY_MEASURES, METRICS

BLANK_ROWS = 2
_FIELD_OF = {"at_most": "value", "at_least": "value", "operator": "value", "severity_at_least": "severity"}


class PolicyForm(forms.Form):
    """What is not a condition."""

    name = forms.CharField(max_length=200)
    enabled = forms.BooleanField(required=False, initial=True, label="Judge analyses by this policy")
    unknown_fails = forms.BooleanField(required=False, label="An unknown condition fails the analysis")


class ConditionForm(forms.Form):
    """One condition; a row without a metric is left out."""

    metric = forms.ChoiceField(
        required=False,
        choices=[("", "None"), *((m.name, m.title) for m in METRICS.values())],
        help_text="A condition without one is left out.",
    )
    value = forms.FloatField(
        required=False,
        label="Limit",
        help_text="The most, or for coverage and bus factor the least.",
        widget=forms.NumberInput(attrs={"min": 0, "step": "any", "inputmode": "decimal"}),
    )
    severity = forms.ChoiceField(
        required=False,
        label="Severity from",
        choices=[("", "Any"), *((name, name.capitalize()) for name in conditions.SEVERITIES[:-1])],
        help_text="For findings and vulnerabilities.",
    )
    measure = forms.ChoiceField(
        required=False,
        choices=[("", "Largest"), *((name, name) for name in COMPLEXITY_MEASURES if name != "max")],
        help_text="For complexity.",
    )
    items = forms.CharField(
        required=False,
        max_length=5000,
        label="Only these",
        help_text="Engines, gaps or licences, separated by commas.",
    )
    name = forms.CharField(required=False, max_length=conditions.MAX_NAME, label="Name")
    include_new_rules = forms.BooleanField(required=False, label="Findings of new rules count as new")
    enabled = forms.BooleanField(required=False, initial=True, label="Enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A formset would take a further row that equals what is stored for one that was left blank.
        super().__init__(*args, **{**kwargs, "empty_permitted": False})

    def as_condition(self) -> dict[str, Any] | None:
        """Return the row as a condition that is still to be read; None for one that is left out."""
        data = self.cleaned_data
        about = METRICS.get(data.get("metric", ""))
        if about is None:
            return None
        value = data.get("value")
        made: dict[str, Any] = {
            "metric": about.name,
            "name": data.get("name", ""),
            "enabled": data.get("enabled", False),
            "operator": about.operator,
            "value": int(value) if value is not None and value == int(value) else value,
        }
        if "severity_at_least" in about.options and data.get("severity"):
            made["severity_at_least"] = data["severity"]
        if "measure" in about.options and data.get("measure"):
            made["measure"] = data["measure"]
        if "include_new_rules" in about.options:
            made["include_new_rules"] = data.get("include_new_rules", False)
        if about.items:
            made[about.items] = [word.strip() for word in data.get("items", "").split(",") if word.strip()]
        return made


ConditionRows = forms.formset_factory(
    ConditionForm,
    extra=BLANK_ROWS,
    max_num=conditions.MAX_CONDITIONS,
    absolute_max=conditions.MAX_CONDITIONS,
    validate_max=True,
)


class PolicyForms:
    """The form and its rows together."""

    def __init__(self, policy: Policy | None, data: Mapping[str, Any] | None = None) -> None:
        initial: dict[str, Any] = {"name": "default", "enabled": True}
        stored: Sequence[dict[str, Any]] = ()
        if policy is not None:
            initial = {
                "name": policy.name,
                "enabled": policy.enabled,
                "unknown_fails": policy.unknown_fails,
            }
            stored = policy.conditions
        self.form = PolicyForm(data, initial=initial)
        self.rows = ConditionRows(data, prefix="conditions", initial=[_initial(each) for each in stored])

    def values(self) -> dict[str, Any] | None:
        """Return what the flows take; None when something is wrong, which the forms then say at its field."""
        if not (self.form.is_valid() & self.rows.is_valid()):
            return None
        asked = [(row, condition) for row in self.rows if (condition := row.as_condition()) is not None]
        try:
            conditions.read([condition for _, condition in asked])
        except conditions.InvalidConditions as error:
            for wrong in error.errors:
                index, _, field = wrong.field.partition(".")
                row = asked[int(index)][0]
                name = _FIELD_OF.get(field, field)
                row.add_error(name if name in row.fields else "items", wrong.message)
            return None
        return {**self.form.cleaned_data, "conditions": [condition for _, condition in asked]}


def _initial(stored: Mapping[str, Any]) -> dict[str, Any]:
    about = METRICS.get(str(stored.get("metric")))
    severity = stored.get("severity_at_least")
    return {
        "metric": stored.get("metric"),
        "value": stored.get("value"),
        "severity": "" if severity == "info" else severity,
        "measure": "" if stored.get("measure") == "max" else stored.get("measure"),
        "items": ", ".join(stored.get(about.items, ())) if about and about.items else "",
        "name": stored.get("name", ""),
        "include_new_rules": stored.get("include_new_rules", False),
        "enabled": stored.get("enabled", True),
    }
