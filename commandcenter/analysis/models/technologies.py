"""The technologies that a result set uses, and when a project first met each."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from commandcenter.analysis.models.analyses import Analysis
from commandcenter.analysis.models.results import ResultSet
from commandcenter.inventory.models import Project


class TechnologyUse(models.Model):
    """A technology seen in a result set: evidence is [{path, line}]."""

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="technologies", db_index=False
    )
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=20)
    version = models.CharField(max_length=200, null=True)
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)

    class Meta:
        constraints = [
            # serves as well: the technologies of an analysis
            models.UniqueConstraint(
                fields=["result_set", "name", "domain"], name="technologyuse_set_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="technologyuse_confidence_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TechnologySighting(models.Model):
    """The first time that a project met a technology; what makes `technology.detected` an event of its own."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="technology_sightings")
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=20)
    first_analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")
    first_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "domain"], name="sighting_project_name_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name
