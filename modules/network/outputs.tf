output "network" {
  description = "What functions need to join the network, and the name of the connection that jobs join it by."
  value = {
    vpc_id             = aws_vpc.this.id
    subnet_ids         = [for subnet in aws_subnet.private : subnet.id]
    security_group_ids = [aws_security_group.lake.id]
    connection         = aws_glue_connection.this.name
  }
}
