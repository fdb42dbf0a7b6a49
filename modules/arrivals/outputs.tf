output "queues" {
  description = "Name and ARN of the queue of arrivals and of its dead letters."
  value = {
    arrivals     = { name = aws_sqs_queue.arrivals.name, arn = local._queue_arn }
    dead_letters = { name = aws_sqs_queue.dead_letters.name, arn = local._dead_letters_arn }
  }
}

output "schedules" {
  description = "Full name of each schedule, by the keys of the input."
  value       = { for key, schedule in aws_scheduler_schedule.this : key => schedule.name }
}
