"""What the deployment asks AWS: the bucket of the state, the run that is going, the data, the key, the quota."""

import json

import pytest

from deploy import account, standing, state
from shoplake import dynamodb
from shoplake.errors import ShoplakeError
from tests.unit.deploying import LAKE, STATE_BUCKET, Aws, Terraform, state_of

MARK = {"Bucket": STATE_BUCKET, "Key": "bootstrap/terraform.tfstate", "ExpectedBucketOwner": "111122223333"}
BUCKET = {"Bucket": STATE_BUCKET, "ExpectedBucketOwner": "111122223333"}
VERSIONS = {"Bucket": "shoplake-dev-lake-111122223333", "Delimiter": "/", "ExpectedBucketOwner": "111122223333"}
LOCK = {
    "TableName": "shoplake-dev-runs",
    "Key": {"kind": {"S": "lock"}, "id": {"S": "lake"}},
    "ConsistentRead": True,
}


@pytest.fixture
def aws(monkeypatch):
    made = Aws()
    for module in (account, standing, state, dynamodb):
        monkeypatch.setattr(module, "client", made.client)
    return made


@pytest.fixture
def terraform(monkeypatch, tmp_path):
    return Terraform(tmp_path / "bin", monkeypatch)


@pytest.fixture
def uploaded(aws, monkeypatch):
    """What was uploaded: file name, bucket, key."""
    given = []
    aws.client("s3").upload_file = lambda path, bucket, key: given.append((path.rsplit("/", 1)[1], bucket, key))
    return given


def test_the_bucket_of_the_state_is_ready_once_its_own_state_is_in_it(aws):
    aws.answers("s3", "head_object", MARK, {})
    assert state.has_state_bucket(LAKE)


def test_a_bucket_that_is_missing_or_half_made_is_not_ready(aws):
    aws.refuses("s3", "head_object", MARK, "404", 404)
    assert not state.has_state_bucket(LAKE)


def test_a_bucket_that_one_may_not_see_says_what_to_ask_for(aws):
    aws.refuses("s3", "head_object", MARK, "403", 403)
    with pytest.raises(ShoplakeError, match=rf"The bucket {STATE_BUCKET} is another account's, or .* ask for s3:List"):
        state.has_state_bucket(LAKE)


def test_a_new_bucket_is_applied_with_a_state_that_bears_its_name_which_is_put_into_it_last(aws, terraform, uploaded):
    aws.refuses("s3", "head_bucket", BUCKET, "404", 404)
    state.make_state_bucket(LAKE)
    assert terraform.commands == [
        f"init -reconfigure -input=false -backend-config=path={STATE_BUCKET}.tfstate",
        f"apply -input=false -auto-approve -var=region=us-east-1 -var=bucket={STATE_BUCKET}",
    ]
    assert uploaded == [(f"{STATE_BUCKET}.tfstate", STATE_BUCKET, "bootstrap/terraform.tfstate")]


def test_a_bucket_that_another_machine_left_half_made_is_imported_first(aws, terraform, uploaded):
    aws.answers("s3", "head_bucket", BUCKET, {})
    state.make_state_bucket(LAKE)
    assert [command.split(" ")[0] for command in terraform.commands] == ["init", "import", "apply"]
    assert terraform.commands[1].endswith(f" aws_s3_bucket.state {STATE_BUCKET}")


def test_a_bucket_that_this_machine_left_half_made_is_applied_again(aws, terraform, uploaded):
    terraform.answer(show=state_of("aws_s3_bucket.state"))
    aws.answers("s3", "head_bucket", BUCKET, {})
    state.make_state_bucket(LAKE)
    assert [command.split(" ")[0] for command in terraform.commands] == ["init", "apply"]


def test_a_run_that_is_going_is_named(aws):
    item = {"run_id": {"S": "2026-01-02-0001"}, "acquired_at": {"S": "2026-01-02T03:04:05Z"}}
    aws.answers("dynamodb", "get_item", LOCK, {"Item": item})
    with pytest.raises(
        ShoplakeError, match=r"^Run 2026-01-02-0001 has been going since 2026-01-02T03:04:05Z, and this would"
    ):
        standing.require_idle(LAKE)


def test_an_idle_lake_and_one_that_was_never_deployed_have_no_run(aws):
    aws.answers("dynamodb", "get_item", LOCK, {})
    aws.refuses("dynamodb", "get_item", LOCK, "ResourceNotFoundException")
    standing.require_idle(LAKE)
    standing.require_idle(LAKE)
    aws.was_asked_all()


def test_what_the_bucket_holds_is_told_by_zone_also_where_only_deleted_versions_are_left(aws):
    folders = {"CommonPrefixes": [{"Prefix": "runs/"}, {"Prefix": "raw/"}], "DeleteMarkers": [{"Key": "note.txt"}]}
    aws.answers("s3", "list_object_versions", VERSIONS, folders)
    assert standing.what_it_holds(LAKE) == ["note.txt", "raw/", "runs/"]


def test_a_bucket_that_is_empty_or_missing_holds_nothing(aws):
    aws.answers("s3", "list_object_versions", VERSIONS, {})
    aws.refuses("s3", "list_object_versions", VERSIONS, "NoSuchBucket", 404)
    assert standing.what_it_holds(LAKE) == standing.what_it_holds(LAKE) == []
    aws.was_asked_all()


@pytest.mark.parametrize(("allowed", "warns"), [(10, True), (44, True), (45, False), (1000, False)])
def test_an_account_that_lets_fewer_functions_run_than_validators_and_five_is_warned_of(aws, allowed, warns):
    """dev has validators_at_once 40."""
    aws.answers("lambda", "get_account_settings", {}, {"AccountLimit": {"ConcurrentExecutions": allowed}})
    warning = account.concurrency_warning(LAKE)
    assert (warning is not None) == warns
    if warns:
        assert f"lets {allowed} functions run at once, and environment dev may need 45" in warning


def test_the_key_for_personal_data_is_put_once(monkeypatch):
    stored = []

    class Manager:
        def describe_secret(self, SecretId):
            return {"VersionIdsToStages": {"1": ["AWSCURRENT"]}} if stored else {}

        def put_secret_value(self, SecretId, SecretString):
            stored.append((SecretId, json.loads(SecretString)))

    monkeypatch.setattr(account, "client", lambda service: Manager())
    assert account.put_key_once(LAKE) and not account.put_key_once(LAKE)
    ((name, secret),) = stored
    assert name == "shoplake-dev-personal-data-key" and len(bytes.fromhex(secret["key"])) == 32
