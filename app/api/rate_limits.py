"""How often one key may ask: counted at each request, before anything is looked up for it."""

from limits import RateLimitItemPerMinute

from app.access.principals import Principal
from app.services import Services


def count(services: Services, key: Principal) -> None:
    """Count a request of this key. Raises TooManyRequests `too_many_requests` with `retry_after`."""
    most = services.settings.requests_per_minute
    if most:
        services.access.throttle.count(RateLimitItemPerMinute(most), "api-key", key.id)
