provider "aws" {
  region              = local.settings.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = {
      Project            = local.inventory.project
      Environment        = var.environment
      Owner              = var.owner
      CostCenter         = var.cost_center
      DataClassification = "confidential"
    }
  }
}

# Where the state is, `make deploy` says: its bucket bears the account's number.
terraform {
  backend "s3" {}
}
