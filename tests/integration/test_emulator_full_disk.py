"""S3 on a full disk: what can't be written is refused, and isn't there."""

import errno

import pytest
from botocore.exceptions import ClientError

# By name: importing the gap imports the emulator, which reads its settings once.
GAP = "local.gaps.s3_full_disk"


@pytest.fixture
def bucket(aws):
    aws("s3").create_bucket(Bucket="small-disk")
    aws("s3").put_bucket_versioning(Bucket="small-disk", VersioningConfiguration={"Status": "Enabled"})
    aws("s3").put_object(Bucket="small-disk", Key="old.csv", Body=b"old")
    yield "small-disk"
    for version in aws("s3").list_object_versions(Bucket="small-disk")["Versions"]:
        aws("s3").delete_object(Bucket="small-disk", Key=version["Key"], VersionId=version["VersionId"])
    aws("s3").delete_bucket(Bucket="small-disk")


def test_an_object_that_does_not_fit_is_refused_in_one_sentence_and_changes_nothing(aws, bucket, monkeypatch):
    with monkeypatch.context() as disk:
        disk.setattr(f"{GAP}._free_bytes", lambda path: 1_000_000)
        for key in ("old.csv", "new.csv"):
            with pytest.raises(ClientError, match="No space left on device: the disk of the local lake is full"):
                aws("s3").put_object(Bucket=bucket, Key=key, Body=bytes(2_000_000))
        aws("s3").put_object(Bucket=bucket, Key="fits.csv", Body=b"small")
    assert aws("s3").get_object(Bucket=bucket, Key="old.csv")["Body"].read() == b"old"
    assert [v["Key"] for v in aws("s3").list_object_versions(Bucket=bucket)["Versions"]] == ["fits.csv", "old.csv"]


def test_a_write_that_fails_all_the_same_is_told(aws, bucket, monkeypatch):
    def full(*given, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"{GAP}._stock_write", full)
    with pytest.raises(ClientError, match="InsufficientStorage"):
        aws("s3").put_object(Bucket=bucket, Key="new.csv", Body=b"new")
