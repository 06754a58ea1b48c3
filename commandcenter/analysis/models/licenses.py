"""The licences that a result set holds or names: written once, then only read or deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from commandcenter.analysis.models.results import ResultSet


class LicensePlace(models.TextChoices):
    """Whose licence it is."""

    REPOSITORY = "repository", "Repository"
    PACKAGE = "package", "Package"
    VENDORED = "vendored", "Vendored"


class LicenseSource(models.TextChoices):
    """What it was read from."""

    TEXT = "text", "Text"
    METADATA = "metadata", "Metadata"
    HEADER = "header", "Header"


class LicenseUse(models.Model):
    """A licence in a file. A header's row stands for all `files` that name the licence, of which `path` is the first.

    `spdx` is null for a text or name that is not known; its words are then `name`.
    """

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="licenses", db_index=False
    )
    path = models.TextField()
    line = models.IntegerField(null=True)
    spdx = models.CharField(max_length=1000, null=True)
    name = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=8, choices=LicenseSource.choices)
    place = models.CharField(max_length=10, choices=LicensePlace.choices)
    confidence = models.FloatField()
    files = models.IntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="licenseuse_confidence_0_to_1"
            ),
            models.CheckConstraint(
                condition=Q(source__in=LicenseSource.values, place__in=LicensePlace.values),
                name="licenseuse_source_and_place_known",
            ),
        ]
        indexes = [
            # serves: the licences of an analysis, and what a policy asks of them
            models.Index(fields=["result_set", "id"], name="licenseuse_set_order"),
        ]

    def __str__(self) -> str:
        return f"{self.spdx or self.name}: {self.path}"
