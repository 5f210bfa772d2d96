"""Models run in one thread, as in a worker."""

from tests.tasks.models.conftest import one_thread

__all__ = ["one_thread"]
