"""The form of a technology on a project's radar."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from commandcenter.inventory.models import (
    Project,
    ProjectQuerySet,
    Technology,
    TechnologyDomain,
    TechnologyStatus,
)


class TechnologyForm(forms.Form):
    """What a project decides about a technology."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label=None)
    name = forms.CharField(max_length=200)
    domain = forms.ChoiceField(choices=TechnologyDomain.choices, initial=TechnologyDomain.OTHER.value)
    status = forms.ChoiceField(
        choices=TechnologyStatus.choices,
        initial=TechnologyStatus.DISCOVERY.value,
        help_text="Integrated is adopted, evaluation and implementation are trials, archived is on hold.",
    )
    vendor = forms.CharField(max_length=200, required=False)
    priority = forms.IntegerField(min_value=1, max_value=5, initial=3, help_text="1 to 5.")
    relevance_score = forms.IntegerField(
        min_value=0, max_value=100, initial=50, label="Relevance", help_text="0 to 100."
    )
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=10_000)
    notes = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=10_000)

    def __init__(
        self, *args: Any, projects: ProjectQuerySet, instance: Technology | None = None, **kwargs: Any
    ) -> None:
        if instance is not None:
            kwargs["initial"] = {name: getattr(instance, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.instance = instance
        project_field = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        project_field.queryset = projects
        project_field.disabled = instance is not None

    def clean(self) -> dict[str, Any]:
        """Refuse a name that the project's radar has."""
        data = super().clean() or {}
        project, name = data.get("project"), data.get("name")
        if project and name:
            same = Technology.objects.filter(project=project, name=name)
            if self.instance is not None:
                same = same.exclude(pk=self.instance.pk)
            if same.exists():
                self.refuse_name()
        return data

    def refuse_name(self) -> None:
        """Say that the project's radar has this name."""
        project = self.cleaned_data["project"]
        self.add_error("name", f"The radar of {project.name} already has a technology of this name.")
