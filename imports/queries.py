"""What the pages read of offers. Nothing here changes a row."""

from __future__ import annotations

from uuid import UUID

from imports.models import Carrier, WrappingKey
from keys.models import Key
from operations.caller import Caller


def wizard_offer(caller: Caller, key: Key, offer_id: UUID | None) -> WrappingKey | None:
    """An offer that this user's wizard made for this key, alive or not. Another's is as if it were not there."""
    offers = WrappingKey.objects.select_related("key__project").filter(key=key, carrier=Carrier.WIZARD)
    return offers.filter(pk=offer_id, created_by_id=caller.user_id).first() if offer_id else None


def check_value(key: Key) -> str:
    """Of the material that the key once had, and that alone can come back; "" where there never was any."""
    if key.material_fingerprint is None:
        return ""
    value: str | None = key.versions.filter(number=key.current_version).values_list("check_value", flat=True).first()
    return value or ""
