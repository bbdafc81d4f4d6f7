from pathlib import Path

import pytest

from engine.models.embedded import BASE_MODEL_FILE
from engine.models.inventory import survey
from engine.models.messages import ModelState, SurveyModels

pytestmark = pytest.mark.model


def test_a_model_that_is_unpacked_is_found_with_its_hash(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    found = survey(SurveyModels(f16_base_model.parent, tmp_path, random_weights_dir)).built_in

    assert (found.state, found.path, found.problem) == (ModelState.READY, f16_base_model, "")
    assert (len(found.sha256), len(found.hypernetwork_hash)) == (64, 64)
    assert found.size_bytes == f16_base_model.stat().st_size


def test_a_model_that_is_not_unpacked_yet_is_found_where_it_was_installed(
    random_weights_dir: Path, tmp_path: Path
) -> None:
    found = survey(SurveyModels(tmp_path, tmp_path, random_weights_dir)).built_in

    assert (found.state, found.sha256, found.problem) == (ModelState.PACKED, "", "")
    assert found.path is not None
    assert found.path.is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_hypernetwork_was_not_made_for_is_told(tmp_path: Path) -> None:
    import engine

    shipped = Path(engine.__path__[0]) / "weights"
    (tmp_path / BASE_MODEL_FILE).write_bytes(b"another model")

    found = survey(SurveyModels(tmp_path, tmp_path, shipped)).built_in

    assert found.state is ModelState.UNFIT
    assert "loreleaf models get embedded" in found.problem


def test_a_missing_hypernetwork_is_told(tmp_path: Path) -> None:
    found = survey(SurveyModels(tmp_path, tmp_path, tmp_path / "nowhere")).built_in

    assert found.hypernetwork_hash == ""
    assert "Reinstall Loreleaf" in found.problem
