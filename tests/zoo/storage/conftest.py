import uuid

import pytest

from tests.support.object_store import BUCKET, Faults, s3_server


@pytest.fixture(scope="session")
def server():
    with s3_server() as settings:
        yield settings


@pytest.fixture(params=["memory", "s3"])
def address(request):
    """An address with nothing below it, in memory and on a local server of S3's API."""
    if request.param == "s3":
        request.getfixturevalue("server")
    return f"{request.param}://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def s3_address(server):
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def faults(monkeypatch):
    return Faults(monkeypatch)
