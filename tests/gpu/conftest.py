"""The embedded base model, as tests/engine has it."""

from tests.engine.conftest import f16_base_model

__all__ = ["f16_base_model"]
