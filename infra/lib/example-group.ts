// An Auto Scaling group to try the controllers on, set up as they require: instances are protected from launch, and nothing
// else scales the group.
import { type CfnResource, CustomResource, Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { AutoScalingGroup, GroupMetrics } from "aws-cdk-lib/aws-autoscaling";
import {
  BlockDeviceVolume,
  InstanceArchitecture,
  InstanceType,
  LaunchTemplate,
  MachineImage,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { streamsOf, wildcard } from "./names.ts";

export interface ExampleGroupProps {
  readonly min: number;
  readonly max: number;
  readonly instanceType: string;
  /** LaunchInstances takes one Availability Zone. */
  readonly oneZone: boolean;
}

/** CloudFormation cannot take rules from a VPC's default security group, suspend a process of a group, nor delete a group whose instances are protected. */
const SETTLE = `
import json
import time
import urllib.request

import botocore.session


def close(group):
    client = botocore.session.get_session().create_client("ec2")
    rules = client.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    for is_egress, revoke in [(False, client.revoke_security_group_ingress), (True, client.revoke_security_group_egress)]:
        ids = [it["SecurityGroupRuleId"] for it in rules if it["IsEgress"] == is_egress]
        if ids:
            revoke(GroupId=group, SecurityGroupRuleIds=ids)


def settle(event):
    group = event["ResourceProperties"]["GroupName"]
    client = botocore.session.get_session().create_client("autoscaling")
    if event["RequestType"] != "Delete":
        close(event["ResourceProperties"]["DefaultSecurityGroup"])
        client.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=["AZRebalance"])
        return
    client.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=["Launch"])
    for attempt in range(40):
        found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        instances = [it for each in found for it in each["Instances"] if it["ProtectedFromScaleIn"]]
        # Protection changes only in service; booting ones get there, leaving ones are gone.
        ids = [it["InstanceId"] for it in instances if it["LifecycleState"] == "InService"]
        for start in range(0, len(ids), 50):
            try:
                client.set_instance_protection(
                    AutoScalingGroupName=group, InstanceIds=ids[start:start + 50], ProtectedFromScaleIn=False)
            except client.exceptions.ClientError as error:
                print(repr(error))
        if not any(it["LifecycleState"].startswith(("InService", "Pending")) for it in instances):
            return
        time.sleep(5)
    raise TimeoutError(f"instances of {group} stay protected")


def handler(event, context):
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"PhysicalResourceId": event["ResourceProperties"]["GroupName"], "Status": "SUCCESS"}
    try:
        settle(event)
    except Exception as error:
        answer |= {"Status": "FAILED", "Reason": str(error)}
    print(json.dumps(answer))
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request, timeout=20).close()
`;

export class ExampleGroup extends Construct {
  readonly groupName: string;
  readonly launchTemplateId: string;

  constructor(scope: Construct, id: string, props: ExampleGroupProps) {
    super(scope, id);
    const vpc = new Vpc(this, "Vpc", {
      maxAzs: props.oneZone ? 1 : 2,
      natGateways: 0,
      subnetConfiguration: [{ name: "public", subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: true }],
      // Below: the CDK's own way is a second function, in an asset.
      restrictDefaultSecurityGroup: false,
    });
    Validations.of(vpc).acknowledge({ id: "AwsSolutions-VPC7", reason: "An example network; nothing listens in it." });
    const instanceType = new InstanceType(props.instanceType);
    const arm = instanceType.architecture === InstanceArchitecture.ARM_64;
    const template = new LaunchTemplate(this, "Template", {
      // Resolved at each launch, so that the template never has an outdated image.
      machineImage: MachineImage.resolveSsmParameterAtLaunch(
        `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-${arm ? "arm64" : "x86_64"}`,
      ),
      instanceType,
      requireImdsv2: true,
      detailedMonitoring: true,
      blockDevices: [{ deviceName: "/dev/xvda", volume: BlockDeviceVolume.ebs(8, { encrypted: true }) }],
      securityGroup: new SecurityGroup(this, "SecurityGroup", { vpc, description: "Lets nothing in" }),
    });
    const group = new AutoScalingGroup(this, "Group", {
      vpc,
      launchTemplate: template,
      minCapacity: props.min,
      maxCapacity: props.max,
      newInstancesProtectedFromScaleIn: true,
      groupMetrics: [GroupMetrics.all()],
    });
    Validations.of(group).acknowledge({ id: "AwsSolutions-AS3", reason: "The controllers' own metrics and alarms cover its size." });
    this.groupName = group.autoScalingGroupName;
    this.launchTemplateId = template.launchTemplateId!;

    const stack = Stack.of(this);
    const logGroup = new LogGroup(this, "SettleLog", { retention: RetentionDays.TWO_WEEKS, removalPolicy: RemovalPolicy.DESTROY });
    const role = new Role(this, "SettleRole", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    const groupArn = stack.formatArn({
      service: "autoscaling",
      resource: "autoScalingGroup:*:autoScalingGroupName",
      resourceName: this.groupName,
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ["autoscaling:SuspendProcesses", "autoscaling:SetInstanceProtection"], resources: [groupArn] }),
    );
    const closed = stack.formatArn({ service: "ec2", resource: "security-group", resourceName: vpc.vpcDefaultSecurityGroup });
    role.addToPolicy(
      new PolicyStatement({ actions: ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"], resources: [closed] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeSecurityGroupRules"], resources: ["*"] }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [logGroup.logGroupArn] }));
    Validations.of(role).acknowledge(
      {
        id: "AwsSolutions-IAM5[Resource::*]",
        reason: "Auto Scaling's and EC2's Describe actions do not support resource-level permissions.",
      },
      wildcard(groupArn, stack, "A group's ARN contains an id that is unknown until the group exists."),
      streamsOf(logGroup, stack),
    );
    const settle = new Function(this, "Settle", {
      description: "Closes the default security group, suspends AZRebalance, and removes protection before the group is deleted",
      runtime: Runtime.PYTHON_3_13,
      handler: "index.handler",
      code: Code.fromInline(SETTLE),
      timeout: Duration.minutes(5),
      role,
      logGroup,
    });
    Validations.of(settle).acknowledge({ id: "AwsSolutions-L1", reason: "The runtime version is pinned, and upgraded deliberately." });
    const settled = new CustomResource(this, "Settled", {
      serviceToken: settle.functionArn,
      properties: { GroupName: this.groupName, DefaultSecurityGroup: vpc.vpcDefaultSecurityGroup },
    });
    // CloudFormation would wait for an hour. Overridden as a number: the construct's own property makes it a string.
    (settled.node.defaultChild as CfnResource).addPropertyOverride("ServiceTimeout", 360);
    settled.node.addDependency(role, group);
  }
}
