"""An S3-compatible server on loopback, for tests of work folders in a store."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests-secret"}
ENVIRONMENT = {**CREDENTIALS, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def s3_server(bucket: str = "songs") -> Iterator[str]:
    """Runs while the context lasts; gives the URL of a prefix in a bucket, without credentials."""
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    from pyarrow import fs

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.update(ENVIRONMENT)
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        fs.S3FileSystem(
            endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True
        ).create_dir(bucket)
        yield f"s3://{bucket}/work?endpoint_override={host}:{port}&scheme=http"
    finally:
        server.stop()
        for name in ENVIRONMENT:
            del os.environ[name]
