module "functions" {
  source = "../.."

  functions = {
    dispatcher = {
      name      = "shop-dev-dispatcher"
      does      = "Starts runs"
      memory_mb = 256
      timeout_s = 120
      package   = { path = "build/functions/dispatcher.zip", key = "functions/dispatcher.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
      statements = [
        { sid = "StartRuns", actions = ["states:StartExecution"], resources = ["arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-pipeline"] },
      ]
    }
  }

  artifacts_bucket = "shop-dev-artifacts"
  runtime          = "python3.13"
  architecture     = "arm64"
  log_days         = 7
  environment      = { SHOP_ENV = "dev" }
  arn_prefixes     = { logs = "arn:aws:logs:us-east-1:111122223333" }
}
