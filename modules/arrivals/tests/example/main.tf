module "arrivals" {
  source = "../.."

  names = {
    queue          = "shop-dev-arrivals"
    dead_letters   = "shop-dev-arrivals-dead-letters"
    object_created = "shop-dev-raw-object-created"
    run_requested  = "shop-dev-run-requested"
    run_ended      = "shop-dev-run-ended"
    schedules_role = "shop-dev-schedules"
  }

  watched = { bucket = "shop-dev-lake", prefix = "raw/" }

  functions = {
    dispatcher = { name = "shop-dev-dispatcher", arn = "arn:aws:lambda:us-east-1:111122223333:function:shop-dev-dispatcher" }
    run_ended  = { name = "shop-dev-run-ended", arn = "arn:aws:lambda:us-east-1:111122223333:function:shop-dev-run-ended" }
  }

  queue = { visible_again_s = 740, max_receives = 5, dead_letters_days = 14 }
  batch = { size = 100, window_s = 20 }

  schedules = {
    sweep = { name = "shop-dev-sweep", expression = "cron(0 3 * * ? *)", time_zone = "Europe/London", function = "dispatcher", input = { action = "sweep" } }
  }

  requests          = { source = "shop.dev", detail_type = "shop.run.requested" }
  state_machine_arn = "arn:aws:states:us-east-1:111122223333:stateMachine:shop-dev-pipeline"
  arn_prefixes      = { sqs = "arn:aws:sqs:us-east-1:111122223333", events = "arn:aws:events:us-east-1:111122223333" }
}
