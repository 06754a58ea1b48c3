"""Projects, who may do what in them, and the repositories and technologies that they look after."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import ExpressionWrapper, Q

from commandcenter.accounts.models import User
from commandcenter.core.encryption import EncryptedTextField
from commandcenter.core.models import TimestampedModel
from commandcenter.inventory.branches import validate_branch


class Role(models.TextChoices):
    """Rights inside one project, each including the one before."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"

    def covers(self, needed: Role) -> bool:
        """True when this role includes the needed one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class ProjectQuerySet(models.QuerySet["Project"]):
    """Reads of projects."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> ProjectQuerySet:
        """Projects that the user may see; a token may limit them further."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        queryset = self if user.is_staff else self.filter(memberships__user=user)
        return queryset if token_projects is None else queryset.filter(pk__in=token_projects)


class Project(TimestampedModel):
    """A group of repositories with one set of members."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Membership(TimestampedModel):
    """The role of one person in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="membership_user_project_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class RepositoryQuerySet(models.QuerySet["Repository"]):
    """Reads of repositories."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> RepositoryQuerySet:
        """Repositories of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))

    def without_secrets(self) -> RepositoryQuerySet:
        """Leave the secret where it lies; `credentials_stored` tells whether there is one."""
        stored = ExpressionWrapper(Q(credential_secret__isnull=False), output_field=models.BooleanField())
        return self.annotate(credentials_stored=stored).defer("credential_secret")


class Repository(TimestampedModel):
    """A source that can be analysed: git URL, local git repository, plain directory or archive."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=200)
    source = models.CharField(max_length=2000)
    # empty: what the source itself says
    default_branch = models.CharField(max_length=255, blank=True, validators=[validate_branch])
    credential_username = models.CharField(max_length=255, blank=True)
    credential_secret = EncryptedTextField(null=True)
    tags = models.JSONField(default=list, blank=True)

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [
            # serves as well: repositories of a project
            models.UniqueConstraint(fields=["project", "name"], name="repository_project_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class TechnologyStatus(models.TextChoices):
    """Where a technology stands in the project's own radar."""

    DISCOVERY = "discovery", "Discovery"
    RESEARCH = "research", "Research"
    EVALUATION = "evaluation", "Evaluation"
    IMPLEMENTATION = "implementation", "Implementation"
    INTEGRATED = "integrated", "Integrated"
    ARCHIVED = "archived", "Archived"


class TechnologyDomain(models.TextChoices):
    """What kind of technology it is."""

    LANGUAGE = "language", "Language"
    FRAMEWORK = "framework", "Framework"
    LIBRARY = "library", "Library"
    DATABASE = "database", "Database"
    INFRASTRUCTURE = "infrastructure", "Infrastructure"
    CI_CD = "ci-cd", "CI/CD"
    TESTING = "testing", "Testing"
    FRONTEND = "frontend", "Front end"
    AI_ML = "ai-ml", "AI and ML"
    DATA = "data", "Data"
    SECURITY = "security", "Security"
    OBSERVABILITY = "observability", "Observability"
    OTHER = "other", "Other"


class TechnologyQuerySet(models.QuerySet["Technology"]):
    """Reads of technologies."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> TechnologyQuerySet:
        """Technologies of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))


class Technology(TimestampedModel):
    """A technology that a project has decided something about."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="technologies")
    name = models.CharField(max_length=200)
    vendor = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=20, choices=TechnologyDomain.choices, default=TechnologyDomain.OTHER)
    status = models.CharField(
        max_length=20, choices=TechnologyStatus.choices, default=TechnologyStatus.DISCOVERY
    )
    priority = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    relevance_score = models.PositiveSmallIntegerField(default=50, validators=[MaxValueValidator(100)])
    description = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    use_cases = models.TextField(blank=True)
    documentation_url = models.URLField(max_length=500, blank=True)
    repository_url = models.URLField(max_length=500, blank=True)
    website_url = models.URLField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)

    objects = TechnologyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "technologies"
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="technology_project_name_unique"),
            models.CheckConstraint(
                condition=Q(domain__in=TechnologyDomain.values), name="technology_domain_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=TechnologyStatus.values), name="technology_status_known"
            ),
            models.CheckConstraint(condition=Q(priority__range=(1, 5)), name="technology_priority_1_to_5"),
            models.CheckConstraint(
                condition=Q(relevance_score__lte=100), name="technology_relevance_0_to_100"
            ),
        ]
        indexes = [
            # serves: the radar and its filters
            models.Index(fields=["domain", "status"], name="technology_domain_status"),
        ]

    def __str__(self) -> str:
        return self.name
