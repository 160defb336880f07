"""Resources that CloudFormation names itself have names of their own in each region: it fails on stock ministack."""

from __future__ import annotations

import copy
import json
import os

from local.deployment import stack_outputs, wait_for_stack
from local.embedded_cloud import EmbeddedCloud

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
ROLE = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]}}
TEMPLATE = {
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": ROLE},
        "Bucket": {"Type": "AWS::S3::Bucket"},
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Role", "Bucket")},
}


def test_equally_named_stacks_in_two_regions_share_no_role_and_no_bucket() -> None:
    with EmbeddedCloud(strict="EMBEDDED_CLOUD_STOCK" not in os.environ) as cloud:
        elsewhere = copy.copy(cloud)
        elsewhere.region = "eu-central-1"
        for each in (cloud, elsewhere):
            each.client("cloudformation").create_stack(
                StackName="same", TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"]
            )
            assert wait_for_stack(each, "same") == "CREATE_COMPLETE"
        here, there = stack_outputs(cloud, "same"), stack_outputs(elsewhere, "same")
        assert all(name.lower().startswith(f"same-{key.lower()}-") for key, name in (here | there).items())
        assert here["Role"] != there["Role"]
        assert here["Bucket"] != there["Bucket"]

        elsewhere.client("cloudformation").delete_stack(StackName="same")
        assert wait_for_stack(elsewhere, "same") == "DELETE_COMPLETE"
        assert cloud.client("iam").get_role(RoleName=here["Role"])["Role"]["RoleName"] == here["Role"]
