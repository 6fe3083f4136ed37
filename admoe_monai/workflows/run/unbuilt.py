"""What can't be built from the settings, in words for the user."""

from __future__ import annotations

from admoe_monai.errors import UserError, root_cause


def as_users(error: Exception, what: str, hint: str = "") -> Exception:
    """What a constructor objects to is a value that the user has set; MONAI wraps it, and any other error stays."""
    cause = root_cause(error)
    if isinstance(cause, UserError):
        return cause
    if isinstance(cause, (ValueError, TypeError)):
        remedy = f"; {hint}" if hint and "unexpected keyword" in str(cause) else ""
        return UserError(f"{what} can't be built from these settings: {str(cause).splitlines()[0]}{remedy}")
    return error
