# The AWS side, for all machines: trust anchor, role and profile. The provider itself uses a profile of ~/.aws/config,
# which may use credential_process.
#
#   terraform init && terraform apply

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "aws_profile" {
  description = "profile of ~/.aws/config to work with"
  type        = string
  default     = "admin"
}

variable "ca_certificate" {
  description = "path of the CA certificate, PEM"
  type        = string
  default     = "ca.pem"
}

provider "aws" {
  region  = "us-east-1"
  profile = var.aws_profile
}

resource "aws_rolesanywhere_trust_anchor" "onprem" {
  name    = "onprem"
  enabled = true

  source {
    source_type = "CERTIFICATE_BUNDLE"

    source_data {
      x509_certificate_data = file(var.ca_certificate)
    }
  }
}

# Without the two conditions, every certificate of every trust anchor of the account could assume the role.
resource "aws_iam_role" "backup" {
  name                 = "ROLE_NAME"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "rolesanywhere.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
      Condition = {
        ArnEquals    = { "aws:SourceArn" = aws_rolesanywhere_trust_anchor.onprem.arn }
        StringEquals = { "aws:PrincipalTag/x509Subject/O" = "Example" }
      }
    }]
  })
}

resource "aws_rolesanywhere_profile" "onprem" {
  name             = "onprem"
  enabled          = true
  role_arns        = [aws_iam_role.backup.arn]
  duration_seconds = 3600
}

output "trust_anchor_arn" {
  value = aws_rolesanywhere_trust_anchor.onprem.arn
}

output "profile_arn" {
  value = aws_rolesanywhere_profile.onprem.arn
}

output "role_arn" {
  value = aws_iam_role.backup.arn
}
