"""Deletes every object of the bucket of the first argument, at AWS_ENDPOINT_URL."""
import sys

import botocore.session

s3 = botocore.session.get_session().create_client("s3", region_name="us-east-1")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[1]):
    for thing in page.get("Contents", []):
        s3.delete_object(Bucket=sys.argv[1], Key=thing["Key"])
