"""The rings and sectors of the radar: what each status and each domain stands for."""

from __future__ import annotations

from django.db import models

from commandcenter.inventory.models import TechnologyDomain, TechnologyStatus


class Ring(models.TextChoices):
    """What a team is to do with a technology, from the inside out."""

    ADOPT = "adopt", "Adopt"
    TRIAL = "trial", "Trial"
    ASSESS = "assess", "Assess"
    HOLD = "hold", "Hold"


class Sector(models.TextChoices):
    """A quarter of the radar: domains that the same people decide about."""

    CODE = "code", "Languages and frameworks"
    DATA = "data", "Data and AI"
    PLATFORM = "platform", "Platform and security"
    TOOLS = "tools", "Tools and the rest"


RING_OF: dict[str, Ring] = {
    TechnologyStatus.INTEGRATED: Ring.ADOPT,
    TechnologyStatus.IMPLEMENTATION: Ring.TRIAL,
    TechnologyStatus.EVALUATION: Ring.TRIAL,
    TechnologyStatus.RESEARCH: Ring.ASSESS,
    TechnologyStatus.DISCOVERY: Ring.ASSESS,
    TechnologyStatus.ARCHIVED: Ring.HOLD,
}
SECTOR_OF: dict[str, Sector] = {
    TechnologyDomain.LANGUAGE: Sector.CODE,
    TechnologyDomain.FRAMEWORK: Sector.CODE,
    TechnologyDomain.LIBRARY: Sector.CODE,
    TechnologyDomain.FRONTEND: Sector.CODE,
    TechnologyDomain.DATABASE: Sector.DATA,
    TechnologyDomain.DATA: Sector.DATA,
    TechnologyDomain.AI_ML: Sector.DATA,
    TechnologyDomain.INFRASTRUCTURE: Sector.PLATFORM,
    TechnologyDomain.OBSERVABILITY: Sector.PLATFORM,
    TechnologyDomain.SECURITY: Sector.PLATFORM,
    TechnologyDomain.CI_CD: Sector.TOOLS,
    TechnologyDomain.TESTING: Sector.TOOLS,
    TechnologyDomain.OTHER: Sector.TOOLS,
}
