output "databases" {
  description = "Full name of each database, by the keys of the input."
  value       = { for key, database in aws_glue_catalog_database.this : key => database.name }
}

output "crawlers" {
  description = "Full name of each crawler, by the keys of the input."
  value       = { for key, crawler in aws_glue_crawler.this : key => crawler.name }
}

output "role" {
  description = "The crawlers' role."
  value       = { name = aws_iam_role.crawlers.name, arn = aws_iam_role.crawlers.arn }
}
