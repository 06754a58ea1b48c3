"""What a request's credentials reach, beyond what its user may do."""

from __future__ import annotations

from commandcenter.core.permissions import token_projects

__all__ = ["token_projects"]
