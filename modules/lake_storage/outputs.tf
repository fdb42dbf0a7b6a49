output "buckets" {
  description = "Name and ARN of each bucket, by the keys of the input."
  value       = { for name, bucket in aws_s3_bucket.this : name => { name = bucket.bucket, arn = "arn:aws:s3:::${bucket.bucket}" } }
}

output "zones" {
  description = "Address of each zone (s3://...)."
  value       = { for name, zone in terraform_data.zone : name => zone.input.uri }
}
