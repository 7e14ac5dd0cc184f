from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "transferase.web"
    label = "web"

    def ready(self) -> None:
        """Write down what was counted once an answer has left, so that no reader waits for it."""
        import atexit  # noqa: PLC0415 - app ready

        from django.core.signals import request_finished  # noqa: PLC0415 - app ready

        from transferase.web import visits  # noqa: PLC0415 - app ready: models are not loaded before

        request_finished.connect(visits.write_if_due, dispatch_uid="visits")
        atexit.register(visits.write_at_end)
