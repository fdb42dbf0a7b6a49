"""Which call of AWS's API makes a resource, where its attributes stand in the call, what is not checked and why."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counterpart:
    """The API call that makes a resource. Paths are of members, joined by dots; `""` is the call itself."""

    service: str
    call: str
    at: str = ""  # the structure that the attributes belong to
    renames: dict[str, str] = field(default_factory=dict)  # attribute -> path of the member
    elsewhere: dict[str, str] = field(default_factory=dict)  # attribute -> service, call and path of another call's
    unchecked: dict[str, str] = field(default_factory=dict)  # attribute -> why no model says more of it


def _of(service: str, call: str, at: str = "", elsewhere=None, unchecked=None, **renames: str) -> Counterpart:
    return Counterpart(service, call, at, renames, elsewhere or {}, unchecked or {})


_UPLOADS = "Terraform's own: when to upload a file again"
_QUEUES = "a queue's attributes are text in the model; `QUEUE_RANGES` has the documentation's"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
QUEUE_RANGES = {
    "delay_seconds": (0, 900),
    "max_message_size": (1024, 1048576),
    "message_retention_seconds": (60, 1209600),
    "receive_wait_time_seconds": (0, 20),
    "visibility_timeout_seconds": (0, 43200),
    "kms_data_key_reuse_period_seconds": (60, 86400),
}
MAX_RECEIVES = (1, 1000)


COUNTERPARTS = {
    "aws_athena_named_query": _of("athena", "CreateNamedQuery", query="QueryString"),
    "aws_athena_workgroup": _of(
        "athena", "CreateWorkGroup", elsewhere={"state": "athena.UpdateWorkGroup.State"}, kms_key_arn="KmsKey",
    ),
    "aws_budgets_budget": _of(
        "budgets", "CreateBudget", "Budget", {"notification": "budgets.CreateNotification.Notification"},
        {"cost_filter": "any text in the model", "subscriber_sns_topic_arns": "the ARN of a topic of the lake"},
        name="BudgetName", limit_amount="BudgetLimit.Amount", limit_unit="BudgetLimit.Unit",
    ),
    "aws_ce_anomaly_monitor": _of(
        "ce", "CreateAnomalyMonitor", "AnomalyMonitor",
        name="MonitorName", monitor_specification="MonitorSpecification",
    ),
    "aws_ce_anomaly_subscription": _of(
        "ce", "CreateAnomalySubscription", "AnomalySubscription",
        name="SubscriptionName", subscriber="Subscribers", threshold_expression="ThresholdExpression",
        dimension="Dimensions",
    ),
    "aws_cloudtrail": _of(
        "cloudtrail", "CreateTrail",
        elsewhere={"advanced_event_selector": "cloudtrail.PutEventSelectors.AdvancedEventSelectors"},
        field_selector="FieldSelectors", enable_log_file_validation="EnableLogFileValidation",
    ),
    "aws_cloudwatch_dashboard": _of("cloudwatch", "PutDashboard"),
    "aws_cloudwatch_event_rule": _of("events", "PutRule"),
    "aws_cloudwatch_event_target": _of("events", "PutTargets", target_id="Targets.Id", arn="Targets.Arn"),
    "aws_cloudwatch_log_group": _of(
        "logs", "CreateLogGroup", elsewhere={"retention_in_days": "logs.PutRetentionPolicy.retentionInDays"},
        name="logGroupName",
    ),
    "aws_cloudwatch_log_metric_filter": _of(
        "logs", "PutMetricFilter", name="filterName", pattern="filterPattern",
        metric_transformation="metricTransformations", metric_transformation_name="metricName",
        metric_transformation_namespace="metricNamespace", metric_transformation_value="metricValue",
    ),
    "aws_cloudwatch_metric_alarm": _of("cloudwatch", "PutMetricAlarm"),
    "aws_default_security_group": _of("ec2", "DescribeSecurityGroups"),
    "aws_dynamodb_table": _of(
        "dynamodb", "CreateTable",
        elsewhere={"point_in_time_recovery": "dynamodb.UpdateContinuousBackups.PointInTimeRecoverySpecification"},
        name="TableName", hash_key="KeySchema.AttributeName", range_key="KeySchema.AttributeName",
        projection_type="Projection.ProjectionType", point_in_time_recovery_enabled="PointInTimeRecoveryEnabled",
        server_side_encryption="SSESpecification", kms_key_arn="KMSMasterKeyId",
        attribute="AttributeDefinitions", attribute_name="AttributeName", attribute_type="AttributeType",
        global_secondary_index="GlobalSecondaryIndexes", global_secondary_index_name="IndexName",
    ),
    "aws_flow_log": _of("ec2", "CreateFlowLogs", vpc_id="ResourceIds"),
    "aws_glue_catalog_database": _of("glue", "CreateDatabase", "DatabaseInput"),
    "aws_glue_classifier": _of(
        "glue", "CreateClassifier", name="CsvClassifier.Name", csv_classifier="CsvClassifier",
        json_classifier="JsonClassifier",
    ),
    "aws_glue_connection": _of("glue", "CreateConnection", "ConnectionInput"),
    "aws_glue_crawler": _of("glue", "CreateCrawler", s3_target="Targets.S3Targets"),
    "aws_glue_job": _of("glue", "CreateJob", role_arn="Role", connections="Connections.Connections"),
    "aws_iam_role": _of("iam", "CreateRole", name="RoleName", assume_role_policy="AssumeRolePolicyDocument"),
    "aws_iam_role_policy": _of("iam", "PutRolePolicy", name="PolicyName", policy="PolicyDocument"),
    "aws_lambda_event_source_mapping": _of("lambda", "CreateEventSourceMapping"),
    "aws_lambda_function": _of(
        "lambda", "CreateFunction", unchecked={"source_code_hash": _UPLOADS},
        s3_bucket="Code.S3Bucket", s3_key="Code.S3Key",
    ),
    "aws_lambda_layer_version": _of(
        "lambda", "PublishLayerVersion", unchecked={"source_code_hash": _UPLOADS},
        s3_bucket="Content.S3Bucket", s3_key="Content.S3Key",
    ),
    "aws_lambda_permission": _of("lambda", "AddPermission"),
    "aws_s3_bucket": _of("s3", "CreateBucket"),
    "aws_s3_bucket_lifecycle_configuration": _of(
        "s3", "PutBucketLifecycleConfiguration", "LifecycleConfiguration",
        rule="Rules", transition="Transitions",
    ),
    "aws_s3_bucket_logging": _of(
        "s3", "PutBucketLogging", target_prefix="BucketLoggingStatus.LoggingEnabled.TargetPrefix",
    ),
    "aws_s3_bucket_ownership_controls": _of("s3", "PutBucketOwnershipControls", "OwnershipControls", rule="Rules"),
    "aws_s3_bucket_policy": _of("s3", "PutBucketPolicy"),
    "aws_s3_bucket_public_access_block": _of("s3", "PutPublicAccessBlock", "PublicAccessBlockConfiguration"),
    "aws_s3_bucket_server_side_encryption_configuration": _of(
        "s3", "PutBucketEncryption", "ServerSideEncryptionConfiguration", rule="Rules",
        sse_algorithm="SSEAlgorithm", kms_master_key_id="KMSMasterKeyID",
    ),
    "aws_s3_bucket_versioning": _of("s3", "PutBucketVersioning", versioning_configuration="VersioningConfiguration"),
    "aws_s3_object": _of("s3", "PutObject", unchecked={"source": "a file's path", "source_hash": _UPLOADS}),
    "aws_scheduler_schedule": _of("scheduler", "CreateSchedule"),
    "aws_secretsmanager_secret": _of(
        "secretsmanager", "CreateSecret",
        elsewhere={"recovery_window_in_days": "secretsmanager.DeleteSecret.RecoveryWindowInDays"},
    ),
    "aws_security_group": _of("ec2", "CreateSecurityGroup", name="GroupName"),
    "aws_sfn_state_machine": _of("stepfunctions", "CreateStateMachine"),
    "aws_sns_topic": _of(
        "sns", "CreateTopic", unchecked={"kms_master_key_id": "a topic's attributes are text in the model"},
    ),
    "aws_sns_topic_subscription": _of("sns", "Subscribe"),
    "aws_sqs_queue": _of(
        "sqs", "CreateQueue", name="QueueName",
        unchecked=dict.fromkeys(
            ["visibility_timeout_seconds", "message_retention_seconds", "redrive_policy", "redrive_allow_policy",
             "sqs_managed_sse_enabled", "kms_master_key_id", "kms_data_key_reuse_period_seconds"], _QUEUES,
        ),
    ),
    "aws_subnet": _of("ec2", "CreateSubnet"),
    "aws_vpc": _of(
        "ec2", "CreateVpc",
        elsewhere={
            "enable_dns_support": "ec2.ModifyVpcAttribute.EnableDnsSupport.Value",
            "enable_dns_hostnames": "ec2.ModifyVpcAttribute.EnableDnsHostnames.Value",
        },
    ),
    "aws_vpc_endpoint": _of("ec2", "CreateVpcEndpoint", private_dns_enabled="PrivateDnsEnabled"),
}  # fmt: skip

# Resources without a call whose model says more than the provider's schema.
UNCHECKED = {
    "aws_route_table": "a route table has no values of its own",
    "aws_route_table_association": "two ids",
    "aws_s3_bucket_notification": "one switch",
    "aws_sns_topic_policy": "a document, which IAM's own grammar checks",
    "aws_sqs_queue_policy": "a document, which IAM's own grammar checks",
    "aws_vpc_security_group_egress_rule": "ports and groups: the model has no limits",
    "aws_vpc_security_group_ingress_rule": "ports and groups: the model has no limits",
    "terraform_data": "of Terraform alone",
}
