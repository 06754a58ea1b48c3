"""Projects, memberships, repositories and technologies."""
