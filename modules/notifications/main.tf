# Who is told of what: a topic a kind of news, each with its subscribers.

locals {
  _subscriptions = merge(flatten([
    for key, topic in var.topics : [
      { for email in topic.emails : "${key} ${email}" => { topic = key, protocol = "email", endpoint = email } },
      { for phone in topic.phones : "${key} ${phone}" => { topic = key, protocol = "sms", endpoint = phone } },
      { for url in topic.urls : "${key} ${url}" => { topic = key, protocol = "https", endpoint = url } },
    ]
  ])...)
}

resource "aws_sns_topic" "this" {
  #checkov:skip=CKV_AWS_26:AWS's own SNS key lets no alarm or budget publish; encrypted where kms_key_arn is given. Messages hold counts and masked values
  for_each = var.topics

  name              = each.value.name
  kms_master_key_id = var.kms_key_arn
}

data "aws_iam_policy_document" "this" {
  for_each = var.topics

  statement {
    sid       = "ServicesOfThisAccount"
    actions   = ["sns:Publish"]
    resources = [each.value.arn]

    principals {
      type        = "Service"
      identifiers = each.value.services
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account]
    }
  }

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [each.value.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  for_each = var.topics

  arn    = aws_sns_topic.this[each.key].arn
  policy = data.aws_iam_policy_document.this[each.key].json
}

resource "aws_sns_topic_subscription" "this" {
  for_each = local._subscriptions

  topic_arn = aws_sns_topic.this[each.value.topic].arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}
