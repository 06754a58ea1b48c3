"""Pages of the console."""

from __future__ import annotations

from django.urls import path

from commandcenter.dashboard.views import (
    advisories,
    analyses,
    comparisons,
    finding,
    jobs,
    overview,
    packages,
    policies,
    portfolio,
    projects,
    repositories,
    system,
    technologies,
    triage,
)

app_name = "dashboard"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("theme/", overview.theme, name="theme"),
    path("portfolio/", portfolio.index, name="portfolio"),
    path("dependencies/", packages.index, name="packages"),
    path("advisories/", advisories.index, name="advisories"),
    path("advisories/<str:name>/", advisories.detail, name="advisory"),
    path("projects/", projects.index, name="projects"),
    path("projects/new/", projects.create, name="project-create"),
    path("projects/<int:pk>/", projects.detail, name="project"),
    path("projects/<int:pk>/policy/", policies.policy, name="policy"),
    path("projects/<int:pk>/policy/judge/", policies.judge, name="policy-judge"),
    path("projects/<int:pk>/analyse/", projects.analyse, name="project-analyse"),
    path("projects/<int:project_pk>/repositories/new/", repositories.create, name="repository-create-in"),
    path("repositories/", repositories.index, name="repositories"),
    path("repositories/new/", repositories.create, name="repository-create"),
    path("repositories/<int:pk>/", repositories.detail, name="repository"),
    path("repositories/<int:pk>/edit/", repositories.edit, name="repository-edit"),
    path("repositories/<int:pk>/analyse/", repositories.analyse, name="repository-analyse"),
    path("technologies/", technologies.index, name="technologies"),
    path("technologies/<int:pk>/", technologies.detail, name="technology"),
    path("analyses/", analyses.index, name="analyses"),
    path("analyses/<int:pk>/", analyses.detail, name="analysis"),
    path("analyses/<int:pk>/compare/", comparisons.detail, name="analysis-compare"),
    path("analyses/<int:pk>/<slug:tab>/", analyses.detail, name="analysis-tab"),
    path("findings/", triage.index, name="findings"),
    path("findings/decide/", triage.decide, name="findings-decide"),
    path("findings/<int:pk>/", finding.detail, name="finding"),
    path("findings/<int:pk>/<slug:action>/", finding.act, name="finding-act"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/<int:pk>/", jobs.detail, name="job"),
    path("jobs/<int:pk>/live/", jobs.live, name="job-live"),
    path("jobs/<int:pk>/log/", jobs.log, name="job-log"),
    path("jobs/<int:pk>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<int:pk>/retry/", jobs.retry, name="job-retry"),
    path("system/", system.index, name="system"),
    path("system/workers/<str:name>/drain/", system.drain, name="worker-drain"),
    path("system/workers/<str:name>/resume/", system.resume, name="worker-resume"),
    path("system/queues/<slug:name>/pause/", system.pause_queue, name="queue-pause"),
    path("system/queues/<slug:name>/resume/", system.resume_queue, name="queue-resume"),
]
