"""What every process shares. Values come from the environment through `env`; each is in docs/configuration.md."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from commandcenter.embedded.layout import running_environment
from commandcenter.settings import artifacts, database, env, extras, limits, logs, mail

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(env.text("CC_DATA_DIR", str(BASE_DIR / ".data"))).absolute()

if "DATABASE_URL" not in os.environ:
    # A terminal beside a running `manage.py up` uses its servers and its keys.
    running = running_environment(DATA_DIR)
    if running is None:
        raise ImproperlyConfigured(
            f"Nothing runs on the data folder {DATA_DIR}. Start it with `make run`, name another one with "
            "CC_DATA_DIR, or set DATABASE_URL and the rest (docs/configuration.md)."
        )
    for name, value in running.items():
        os.environ.setdefault(name, value)

PROCESS = env.text("CC_PROCESS", "command")  # web, worker, beat or command

DEBUG = False
SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ENCRYPTION_KEYS = env.words("CC_ENCRYPTION_KEYS")  # Fernet keys, the newest first
PUBLIC_URL = env.url(
    "CC_PUBLIC_URL", {"http", "https"}, f"http://localhost:{env.integer('CC_PORT', 8000)}"
).rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
_public_host = urlsplit(PUBLIC_URL).hostname
if _public_host and _public_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(_public_host)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

_mail = mail.server(env.optional("EMAIL_URL"))
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port  # no host: no mail is sent
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.starttls, _mail.tls
EMAIL_TIMEOUT = 10  # seconds, of each step
EMAIL_FROM_GIVEN = env.optional("CC_EMAIL_FROM") is not None
DEFAULT_FROM_EMAIL = SERVER_EMAIL = mail.sender(env.optional("CC_EMAIL_FROM"), _public_host)

INSTALLED_APPS = [
    "commandcenter.core",
    "commandcenter.events",
    "commandcenter.accounts",
    "commandcenter.inventory",
    "jobs",
    "commandcenter.advisories",
    "commandcenter.analysis",
    "exports",
    "schedules",
    "webhooks",
    "commandcenter.dashboard",
    "commandcenter.ops",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_celery_beat",
    "django_filters",
    "django_prometheus",
    "django_structlog",
    "drf_spectacular",
    "rest_framework",
]
if PROCESS in {"worker", "beat"}:
    # Nobody looks at the admin there: without its modules each process is several megabytes smaller.
    INSTALLED_APPS[INSTALLED_APPS.index("django.contrib.admin")] = (
        "django.contrib.admin.apps.SimpleAdminConfig"
    )

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "commandcenter.core.middleware.RequestIdMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "commandcenter.core.middleware.ProblemMiddleware",  # outside all that can refuse a request with a page
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "commandcenter.urls"
WSGI_APPLICATION = "commandcenter.wsgi.application"
ASGI_APPLICATION = "commandcenter.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "commandcenter.dashboard.context.console",
            ],
            "builtins": ["django.templatetags.static"],
        },
    },
]

# --- data --------------------------------------------------------------------------------------------------------

DATABASES = database.databases(PROCESS)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHE_URL = env.url("CACHE_URL", {"redis", "rediss", "unix"}, "redis://127.0.0.1:6379/1")
BROKER_URL = env.url("BROKER_URL", {"redis", "rediss", "unix"}, "redis://127.0.0.1:6379/0")
CHANNEL_URL = env.url("CHANNEL_URL", {"redis", "rediss", "unix"}, CACHE_URL)
_redis_pool = {
    "max_connections": 50,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 30,
}
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "cc",
        "TIMEOUT": 300,
        "OPTIONS": {"CONNECTION_POOL_KWARGS": _redis_pool, "IGNORE_EXCEPTIONS": True},
    },
    # Limits on sign-in must not silently open when the cache is away, so this one raises.
    "limits": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "cc-limits",
        "TIMEOUT": 3600,
        "OPTIONS": {"CONNECTION_POOL_KWARGS": _redis_pool},
    },
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [CHANNEL_URL], "prefix": "cc"},
    },
}

# --- people ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard:overview"
LOGOUT_REDIRECT_URL = "login"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [
    ["username", "ip_address"]
]  # never a user everywhere: that would be a door for mischief
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = True
AXES_VERBOSE = False
AXES_HTTP_RESPONSE_CODE = 429
AXES_CLIENT_IP_CALLABLE = "commandcenter.core.addresses.client_address"
AXES_LOCKOUT_CALLABLE = "commandcenter.accounts.lockout.locked_out"
SIGN_IN_TOKEN_DAYS = 30  # of POST /auth/token

# --- API ---------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "commandcenter.accounts.authentication.TokenAuthentication",
        "commandcenter.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["commandcenter.core.permissions.SignedInWithScope"],
    "DEFAULT_RENDERER_CLASSES": [
        "commandcenter.core.renderers.OrjsonRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "commandcenter.core.parsers.OrjsonParser",
        "commandcenter.core.parsers.BoundedFormParser",
        "commandcenter.core.parsers.BoundedMultiPartParser",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "commandcenter.core.pagination.KeysetPagination",
    "DEFAULT_THROTTLE_CLASSES": ["commandcenter.core.throttles.RateLimitThrottle"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "commandcenter.core.problems.exception_handler",
    "PAGE_SIZE": 100,
    "DATETIME_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # RequestIdMiddleware has checked or replaced it
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # it believes forwarding headers; RequestIdMiddleware binds `ip`
SPECTACULAR_SETTINGS = {
    "TITLE": "Command Center",
    "DESCRIPTION": "The API of a self-hosted command center over a portfolio of software repositories.",
    "VERSION": "v1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "PREPROCESSING_HOOKS": ["commandcenter.core.schema.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "commandcenter.core.schema.with_problems",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TokenScopeEnum": "commandcenter.accounts.models.TokenScope",
        "DependencyScopeEnum": "commandcenter.analysis.api.dependency_shapes.SCOPES",
        "AnalysisStatusEnum": "commandcenter.analysis.models.AnalysisStatus",
        "PolicyStatusEnum": "commandcenter.analysis.models.PolicyStatus",
        "FindingStateEnum": "commandcenter.analysis.models.FindingState",
        "FindingCauseEnum": "commandcenter.analysis.models.Cause",
        "FindingMoveEnum": "commandcenter.analysis.models.FindingMove.Kind",
        "FindingActionEnum": "commandcenter.analysis.models.FindingAction.Kind",
        "SuppressionKindEnum": "commandcenter.analysis.models.SuppressionKind",
        "ShownSuppressionEnum": "commandcenter.analysis.api.finding_shapes.KINDS",
        "TechnologyStatusEnum": "commandcenter.inventory.models.TechnologyStatus",
        "TechnologyDomainEnum": "commandcenter.inventory.models.TechnologyDomain",
        "WebhookDeliveryStatusEnum": "webhooks.models.SHOWN",
        "InboundKindEnum": "webhooks.models.InboundKind",
        "DeliveryTargetKindEnum": "exports.delivery.models.TargetKind",
    },
}
RATE_LIMITS = limits.rate_limits(env.optional("CC_RATE_LIMITS"))
RATELIMIT_USE_CACHE = "limits"
RATELIMIT_IP_META_KEY = "commandcenter.core.addresses.client_address"
DATA_UPLOAD_MAX_MEMORY_SIZE = env.integer("CC_MAX_BODY_BYTES", 10 * 1024 * 1024, least=1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
INBOUND_BODY_BYTES = env.integer(
    "CC_INBOUND_BODY_BYTES", 25 * 1024 * 1024, least=1024
)  # what code hosts send at most
PROBLEM_PREFIXES = ("/api/", "/webhooks/github/", "/webhooks/gitlab/")  # errors there are problem+json

# --- work --------------------------------------------------------------------------------------------------------

QUEUES = ("analysis", "export", "webhooks", "default", "system")
JOB_HANDLERS = {
    # job type -> dotted path of a jobs.handlers.Handler; `jobs.checks` imports each at start-up
    "analysis": "commandcenter.analysis.running.handlers.AnalysisHandler",
    "export": "exports.handlers.ExportHandler",
    "batch_analysis": "commandcenter.analysis.running.batch.BatchAnalysisHandler",
    "batch_export": "exports.batch.BatchExportHandler",
    "import": "jobs.kinds.ImportHandler",
}
IMPORT_KINDS = {
    # parameter `kind` of an import -> dotted path of the Handler that does it
    "advisories": "commandcenter.advisories.handlers.AdvisoryImportHandler",
}
JOB_SOFT_TIME_LIMIT = env.integer("CC_JOB_SOFT_SECONDS", 540, least=1)
JOB_HARD_TIME_LIMIT = env.integer("CC_JOB_HARD_SECONDS", 600, least=2)
JOB_TIME_LIMITS: dict[str, tuple[int, int]] = {}  # job type -> (soft, hard), where it differs
JOB_MAX_ATTEMPTS = env.integer("CC_JOB_MAX_ATTEMPTS", 3, least=1, most=100)
JOB_MAX_LOSSES = env.integer("CC_JOB_MAX_LOSSES", 10, least=1, most=100)
JOB_RETRY_DELAY_SECONDS = env.integer("CC_JOB_RETRY_SECONDS", 30)
JOB_LEASE_SECONDS = env.integer("CC_JOB_LEASE_SECONDS", 15, least=3)
JOB_REPUBLISH_SECONDS = env.integer(
    "CC_JOB_REPUBLISH_SECONDS", 10, least=1
)  # a hint not picked up is repeated
JOB_LIMITS = limits.job_limits(env.optional("CC_JOB_LIMITS"))  # defaults; rows of JobLimit come first
BATCH_MAX_CHILDREN = env.integer("CC_BATCH_MAX_CHILDREN", 10_000, least=1)
JOB_LOG_BYTES = env.integer("CC_JOB_LOG_BYTES", 1024 * 1024, least=1024)  # kept of one job's log
JOB_EVENT_DAYS = env.integer("CC_JOB_EVENT_DAYS", 30, least=1, most=36_500)  # then a job's log is removed
JOB_ARCHIVE_DAYS = env.integer(
    "CC_JOB_ARCHIVE_DAYS", 90, most=36_500
)  # then it goes to the storage; 0: never
FIRING_RETENTION_DAYS = env.integer(
    "CC_FIRING_RETENTION_DAYS", 180, least=1, most=36_500
)  # runs of schedules
WEBHOOK_RETENTION_DAYS = env.integer(
    "CC_WEBHOOK_RETENTION_DAYS", 30, least=7, most=36_500
)  # messages with their deliveries and attempts
# A run overruns when it takes so many times as long as usual, and so many seconds longer.
SCHEDULE_OVERRUN_FACTOR = 2
SCHEDULE_OVERRUN_SECONDS = 60
JOB_HEARTBEAT_SECONDS = env.integer("CC_JOB_HEARTBEAT_SECONDS", 5, least=1)
WORKER_BEAT_SECONDS = 5  # how often a worker renews its row, and looks whether it is to be drained
# A worker that is told to stop lets its jobs go on for so long, then hands them back.
JOB_STOP_GRACE_SECONDS = env.integer("CC_STOP_GRACE_SECONDS", 20, most=3600)
SOCKET_RECHECK_SECONDS = 10  # how soon an open socket notices that its user may not see this any more
EVENT_VISIBILITY = "commandcenter.inventory.visibility.visible_project_ids"  # events may not import it
EVENT_RETENTION_DAYS = env.integer("CC_EVENT_RETENTION_DAYS", 400, least=1)
EVENT_ROUTINE_DAYS = env.integer("CC_EVENT_ROUTINE_DAYS", 30, least=1)  # of starts and ends that went well
EVENT_SUBSCRIBERS = [  # dotted paths of functions that get committed events, in order
    "commandcenter.analysis.running.settle.on_event",
    "commandcenter.analysis.policy.decided.on_event",
    "commandcenter.analysis.portfolio.standings.on_event",
    "commandcenter.analysis.packages.registering.on_event",
    "exports.settle.on_event",
    "exports.delivery.asking.on_event",
    "schedules.ticking.outcomes.on_event",
]
# Functions that get committed events of projects, many at once, before those and in a transaction of their own, so that
# none waits for what the others do. One may get an event twice.
EVENT_EARLY_SUBSCRIBERS = ["webhooks.fanout.on_events"]
EVENT_EARLY_HINTS = ["webhooks.hints.send_soon"]  # called when there is something for them
PROJECT_ENDINGS = [  # dotted paths of functions that get a project's id, in the transaction and before it is deleted
    "schedules.owners.end_of_project",
    "webhooks.retention.end_of_project",
]
PACKAGES_MATCHED_TASKS = [  # names of tasks that are sent when packages were matched with advisories
    "commandcenter.analysis.tasks.judge_overtaken",
]

CELERY_APPLICATION = "commandcenter.celery.app"
CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # leases count lost workers; a poison task would run for ever
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ROUTES = {"jobs.dispatch": {"queue": "system"}}  # an entry of the admin's may leave its queue out
CELERY_WORKER_ENABLE_REMOTE_CONTROL = True
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_TIME_LIMIT = JOB_HARD_TIME_LIMIT
CELERY_TASK_SOFT_TIME_LIMIT = JOB_SOFT_TIME_LIMIT
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker, however long
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300 * 1024  # kB
# Above the hard limit + 100 s, in all three places Celery reads it: redelivery must never race a running job.
_visibility = JOB_HARD_TIME_LIMIT + 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": _visibility,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 30,
    "max_retries": 1,
    "queue_order_strategy": "round_robin",
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": _visibility}
CELERY_VISIBILITY_TIMEOUT = _visibility

# --- analysis ----------------------------------------------------------------------------------------------------

MIRRORS_DIR = DATA_DIR / "mirrors"
MIRRORS_BYTES = env.integer("CC_MIRRORS_BYTES", 20 * 1024**3, least=1)
ENGINE_DIR = DATA_DIR / "engine"
SOURCE_ROOTS = env.folders("CC_SOURCE_ROOTS")
OUTBOUND_ALLOW = env.networks("CC_OUTBOUND_ALLOW")
# How long a delivery belongs to whoever sends it: longer than the longest attempt (30 s) and its writing down.
WEBHOOK_LEASE_SECONDS = env.integer("CC_WEBHOOK_LEASE_SECONDS", 60, least=45, most=3600)
WEBHOOK_CA_FILE = env.optional("CC_WEBHOOK_CA_FILE")
WEBHOOK_CLIENT_CERT = env.optional("CC_WEBHOOK_CLIENT_CERT")
WEBHOOK_CLIENT_KEY = env.optional("CC_WEBHOOK_CLIENT_KEY")
ENGINE_LIMITS = limits.engine_limits()
ENGINES_OPTIONAL = extras.optional_engines()
REPOSITORY_SOURCE_VALIDATOR = "commandcenter.analysis.sources.validate_source"  # inventory may not import it

# --- what is known of packages ------------------------------------------------------------------------------------

ADVISORIES_DIR = Path(
    env.text("CC_ADVISORIES_DIR", str(DATA_DIR / "advisories"))
)  # dumps that jobs may import
OSV_URL = env.url("CC_OSV_URL", {"http", "https"}).rstrip("/") if env.optional("CC_OSV_URL") else ""
OSV_HOURS = env.integer("CC_OSV_HOURS", 24, least=1)  # after which the online database is asked again
_REGISTRIES = {
    "npm": env.optional("CC_NPM_URL"),
    "pypi": env.optional("CC_PYPI_URL"),
    "cargo": env.optional("CC_CRATES_URL"),
    "gem": env.optional("CC_RUBYGEMS_URL"),
    "golang": env.optional("CC_GO_PROXY_URL"),
    "nuget": env.optional("CC_NUGET_URL"),
    "composer": env.optional("CC_PACKAGIST_URL"),
    "maven": env.optional("CC_MAVEN_URL"),
}
REGISTRY_URLS = {
    ecosystem: url.rstrip("/") for ecosystem, url in _REGISTRIES.items() if url
}  # none: not asked
FRESHNESS_HOURS = env.integer("CC_FRESHNESS_HOURS", 24, least=1)  # after which a registry is asked again

ANALYSES_KEPT = env.integer("CC_ANALYSES_KEPT", 30, least=1, most=100_000)  # of each branch, with results
ANALYSES_MONTHS = env.integer("CC_ANALYSES_MONTHS", 120, most=12_000)  # then the last of each month
ANALYSES_FAILED_DAYS = env.integer("CC_ANALYSES_FAILED_DAYS", 90, least=1, most=36_500)

# --- exports -----------------------------------------------------------------------------------------------------

EXPORT_DAYS = env.integer("CC_EXPORT_DAYS", 30, least=1, most=36_500)  # how long files of exports are kept

# --- files, languages, headers -----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("CC_STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "commandcenter" / "static"]
MEDIA_ROOT = DATA_DIR / "media"
STORAGES: dict[str, Any] = {
    "default": artifacts.artifact_storage(env.optional("STORAGE_URL")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],  # the admin's own scripts are inline
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
UNFOLD = {
    "SITE_TITLE": "Command Center",
    "SITE_HEADER": "Command Center",
    "SITE_SUBHEADER": "Operators",
    "SITE_URL": "/",
    "SITE_ICON": lambda _request: static("commandcenter/icons/favicon.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("commandcenter/icons/favicon.svg"),
        }
    ],
    "SHOW_VIEW_ON_SITE": True,
    "BORDER_RADIUS": "6px",
}
METRICS_TOKEN = env.optional("CC_METRICS_TOKEN")
LOGGING = logs.logging(
    level=env.text("CC_LOG_LEVEL", "INFO"), pretty=sys.stderr.isatty() and PROCESS == "command"
)
logs.configure_structlog()
SILENCED_SYSTEM_CHECKS: list[str] = []
