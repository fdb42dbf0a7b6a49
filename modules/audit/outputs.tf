output "trail" {
  description = "Name of the trail and of its bucket."
  value       = { name = aws_cloudtrail.this.name, bucket = aws_s3_bucket.this.bucket }
}
