import pytest

from tests.support.served_models import half_plus_two
from tests.support.server_process import serving


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory):
    """One tiny SavedModel, to be copied into base paths."""
    return half_plus_two(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture(scope="session")
def base_path(tmp_path_factory, saved_model):
    base = tmp_path_factory.mktemp("models") / "m"
    base.mkdir()
    (base / "1").symlink_to(saved_model)
    return base


@pytest.fixture(scope="session")
def server(tmp_path_factory, saved_model):
    """A server of one model in version 3, called m; labels and metrics are on."""
    import shutil

    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(saved_model, folder / "m" / "3")
    (folder / "models.config").write_text(
        f"""model_config_list {{ config {{
          name: "m" base_path: "{folder / "m"}" model_platform: "tensorflow"
          version_labels {{ key: "stable" value: 3 }}
        }} }}"""
    )
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }")
    with serving(
        "--model-config-file",
        folder / "models.config",
        "--monitoring_config_file",
        folder / "monitoring.config",
        "--max-request-bytes=200000",
        "--rest-api-timeout-in-ms=1500",
        version=3,
    ) as running:
        yield running
