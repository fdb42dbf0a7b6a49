mock_provider "aws" {}

variables {
  account = "111122223333"

  topics = {
    cost = {
      name     = "shop-dev-cost-alerts"
      arn      = "arn:aws:sns:us-east-1:111122223333:shop-dev-cost-alerts"
      emails   = ["finops@example.com"]
      phones   = ["+441234567890"]
      urls     = ["https://hooks.example.com/costs"]
      services = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
    }
  }
}

run "plans_the_readmes_example" {
  command = plan

  module {
    source = "./tests/example"
  }
}

run "subscribes_each_reader_once_by_their_protocol" {
  command = plan

  assert {
    condition     = { for key, subscription in aws_sns_topic_subscription.this : subscription.endpoint => subscription.protocol } == { "finops@example.com" = "email", "+441234567890" = "sms", "https://hooks.example.com/costs" = "https" }
    error_message = "E-mail, SMS and HTTPS are subscribed."
  }
}

run "lets_services_publish_for_this_account_alone" {
  command = plan

  assert {
    condition     = one(data.aws_iam_policy_document.this["cost"].statement[0].condition).values == tolist(["111122223333"])
    error_message = "Another account's alarms can't publish here."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.this["cost"].statement[0].principals).identifiers == toset(["budgets.amazonaws.com", "cloudwatch.amazonaws.com"])
    error_message = "Only the services that are named publish."
  }
}

run "refuses_to_publish_without_tls" {
  command = plan

  assert {
    condition     = data.aws_iam_policy_document.this["cost"].statement[1].effect == "Deny"
    error_message = "Messages come over TLS."
  }
}

run "encrypts_with_the_key_that_is_given" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.kms_key_arn])
    error_message = "Topics use the key."
  }
}

run "refuses_an_email_that_isnt_one_and_an_account_of_eleven_digits" {
  command = plan

  variables {
    topics  = { cost = merge(var.topics.cost, { emails = ["finops"] }) }
    account = "11112222333"
  }

  expect_failures = [var.topics, var.account]
}

run "refuses_a_telephone_number_without_its_country" {
  command = plan

  variables {
    topics = { cost = merge(var.topics.cost, { phones = ["01234 567890"] }) }
  }

  expect_failures = [var.topics]
}

run "refuses_an_address_without_tls" {
  command = plan

  variables {
    topics = { cost = merge(var.topics.cost, { urls = ["http://hooks.example.com/costs"] }) }
  }

  expect_failures = [var.topics]
}

run "refuses_a_topic_name_with_a_space" {
  command = plan

  variables {
    topics = { cost = merge(var.topics.cost, { name = "cost alerts" }) }
  }

  expect_failures = [var.topics]
}
