"""boto3 with credentials from a certificate: the profile "onprem" of aws-config.ini. Run: python3 whoami.py"""

import boto3

session = boto3.Session(profile_name="onprem")
print(session.client("sts").get_caller_identity()["Arn"])
