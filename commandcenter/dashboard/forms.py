"""Forms of the console. They validate and word; the flows of each app do the writing."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.module_loading import import_string

from commandcenter.inventory.branches import validate_branch
from commandcenter.inventory.exceptions import InventoryError
from commandcenter.inventory.models import Project, ProjectQuerySet, Repository


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was posted, be it nothing: an empty form is told what it lacks. None while the form is only shown."""
    return request.POST if request.method == "POST" else None


class ProjectForm(forms.Form):
    """Name and description of a project; the slug follows from the name."""

    name = forms.CharField(max_length=200)
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=5000)


class RepositoryForm(forms.Form):
    """A repository's source and, write-only, its credentials."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label=None)
    source = forms.CharField(
        max_length=2000,
        help_text="A git URL, or the path of a git repository, a folder or an archive on the server.",
        widget=forms.TextInput(
            attrs={"placeholder": "https://git.example.org/team/service.git", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, the last part of the source."
    )
    default_branch = forms.CharField(
        max_length=255,
        required=False,
        validators=[validate_branch],
        help_text="Left empty, what the source itself says.",
    )
    credential_username = forms.CharField(max_length=255, required=False, label="User name")
    credential_secret = forms.CharField(
        required=False,
        max_length=4000,
        label="Password or token",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Stored encrypted and never shown again. Left empty, what is stored stays.",
    )
    analyse = forms.BooleanField(required=False, initial=True, label="Analyse it now")

    def __init__(
        self, *args: Any, projects: ProjectQuerySet, instance: Repository | None = None, **kwargs: Any
    ) -> None:
        if instance is not None:
            kwargs["initial"] = {
                "project": instance.project_id,
                "name": instance.name,
                "source": instance.source,
                "default_branch": instance.default_branch,
                "credential_username": instance.credential_username,
            } | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.instance = instance
        project_field = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        project_field.queryset = projects
        if instance is not None:
            project_field.disabled = True
            del self.fields["analyse"]

    def clean_source(self) -> str:
        """Let the analysis app judge the source; its sentence is shown at the field."""
        source: str = import_string(settings.REPOSITORY_SOURCE_VALIDATOR)(self.cleaned_data["source"])
        return source

    def clean(self) -> dict[str, Any]:
        """Name an unnamed repository after its source, and refuse a name that its project has."""
        data = super().clean() or {}
        source, project = data.get("source"), data.get("project")
        if source and not data.get("name"):
            last = source.rstrip("/").replace(":", "/").rpartition("/")[2] or source
            data["name"] = last.removesuffix(".git")[:200]
        if project and data.get("name"):
            same = Repository.objects.filter(project=project, name=data["name"])
            if self.instance is not None:
                same = same.exclude(pk=self.instance.pk)
            if same.exists():
                self.add_error("name", f"{project.name} already has a repository of this name.")
        return data

    def refuse(self, error: InventoryError) -> None:
        """Show what a flow refused at the field at fault, or above the form."""
        names = {"credentials": "credential_secret"}
        field = names.get(error.field, error.field)
        self.add_error(field if field in self.fields else None, error.message)

    def repository_values(self) -> dict[str, Any]:
        """Return what the flows take: project, name, source, default_branch, credentials (None keeps them)."""
        data = self.cleaned_data
        secret = data["credential_secret"]
        return {
            "project": data["project"],
            "name": data["name"],
            "source": data["source"],
            "default_branch": data["default_branch"],
            "credentials": {"username": data["credential_username"], "secret": secret} if secret else None,
        }
