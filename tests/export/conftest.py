"""The tiny SavedModel of the serving tests."""

from tests.serving.conftest import saved_model

__all__ = ["saved_model"]
