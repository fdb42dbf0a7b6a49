module "pipeline" {
  source = "../.."

  name      = "shop-dev-pipeline"
  role_name = "shop-dev-pipeline"

  definition = jsonencode({
    StartAt = "Publish"
    States = {
      Publish = {
        Type     = "Task"
        Resource = "arn:aws:states:::lambda:invoke"
        Parameters = {
          FunctionName = "arn:aws:lambda:us-east-1:111122223333:function:shop-dev-publish"
        }
        End = true
      }
    }
  })

  calls = {
    functions = ["arn:aws:lambda:us-east-1:111122223333:function:shop-dev-publish"]
    jobs      = ["arn:aws:glue:us-east-1:111122223333:job/shop-dev-orders"]
    crawlers  = ["arn:aws:glue:us-east-1:111122223333:crawler/shop-dev-raw-orders"]
    manifests = "arn:aws:s3:::shop-dev-lake/runs/*/manifest.jsonl"
  }

  arn_prefix = "arn:aws:states:us-east-1:111122223333"
  log        = { days = 7 }
}
