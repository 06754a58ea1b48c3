"""The one module through which the admin's look (django-unfold) is imported, and how admin writes use our flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action as unfold_action
from unfold.decorators import display as unfold_display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.forms import AuthenticationForm as AdminAuthenticationForm
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from commandcenter.core.fields import MAX_ID

__all__ = [
    "AdminAuthenticationForm",
    "AdminPasswordChangeForm",
    "CappedPaginator",
    "FlowModelAdmin",
    "LargeTableAdmin",
    "ModelAdmin",
    "ReadOnlyModelAdmin",
    "StackedInline",
    "TabularInline",
    "UnfoldAdminPasswordWidget",
    "UnfoldAdminSelectWidget",
    "UnfoldAdminTextInputWidget",
    "UserChangeForm",
    "UserCreationForm",
    "action",
    "display",
    "register",
]

register = admin.register
_Method = TypeVar("_Method", bound=Callable[..., Any])


def display(**options: Any) -> Callable[[_Method], _Method]:
    """Describe a column of a list, as unfold's decorator does, with types kept."""
    decorate: Callable[[_Method], _Method] = unfold_display(**options)
    return decorate


def action(**options: Any) -> Callable[[_Method], _Method]:
    """Describe an action on selected rows, as unfold's decorator does, with types kept."""
    decorate: Callable[[_Method], _Method] = unfold_action(**options)
    return decorate


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a table that may hold millions of rows: no more than so many are counted, or can be paged through."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        """Return how many rows there are to be paged through."""
        rows: Any = self.object_list
        return int(rows[: self.most].count())


class ReadOnlyModelAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that people may read here and nobody changes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LargeTableAdmin(ReadOnlyModelAdmin):
    """A table that may hold millions of rows: found by one number that has an index, never counted in full."""

    list_per_page = 50
    ordering = ("-pk",)
    paginator = CappedPaginator
    show_full_result_count = False
    sought = "pk"  # the column of the number that is searched for
    search_fields = ("pk",)  # without any, the admin shows no box for it

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the number; a search for anything else would read all rows."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = int(term) if term.isascii() and term.isdigit() and len(term) < 20 else 0
        found = queryset.filter(**{self.sought: wanted}) if 0 < wanted <= MAX_ID else queryset.none()
        return found, False


class _Autocomplete(AutocompleteSelect):
    """Django's own looks up whatever was posted before anything has checked that it is a key."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [key for key in map(str, value) if key.isascii() and key.isdigit()]
        return super().optgroups(name, keys, attr)


class FlowModelAdmin(ModelAdmin):  # type: ignore[misc]
    """Write through the app's flows, so that the admin publishes the same events as the API.

    Subclasses define `create_through(request, values) -> object`, `update_through(request, stored, values)` and
    `delete_through(request, stored)`; `values` holds the form's cleaned values (on update: the changed ones).
    """

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = _Autocomplete(db_field, self.admin_site, using=kwargs.get("using"))
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field

    def create_through(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        raise NotImplementedError

    def stored(self, request: HttpRequest, pk: Any) -> Any:
        """Return the row as it is, without what the form entered."""
        return self.model._default_manager.get(pk=pk)

    def update_through(self, request: HttpRequest, stored: Any, values: dict[str, Any]) -> None:
        raise NotImplementedError

    def delete_through(self, request: HttpRequest, stored: Any) -> None:
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            self.update_through(request, self.stored(request, obj.pk), values)
            obj.refresh_from_db()
        else:
            created = self.create_through(request, dict(form.cleaned_data))
            obj.pk = created.pk
            obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_through(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for stored in queryset:
                self.delete_through(request, stored)
