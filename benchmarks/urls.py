"""The floor: a view that does nothing but answer constant JSON, behind the same middlewares as the API."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from kmsconsole import urls
from kmsconsole.urls import BRIEF, handler400, handler403, handler404, handler500

__all__ = ["BRIEF", "handler400", "handler403", "handler404", "handler500", "urlpatterns"]

_BODY = b'{"key_id":"00000000-0000-0000-0000-000000000000","cipher_text":"' + b"A" * 188 + b'"}'


@csrf_exempt
def floor(request: HttpRequest) -> HttpResponse:
    request.body  # noqa: B018 - read, as every operation must
    return HttpResponse(_BODY, content_type="application/json")


urlpatterns = [path("v1.0/floor", floor), *urls.urlpatterns]
