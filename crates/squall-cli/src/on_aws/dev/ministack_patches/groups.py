"""Auto Scaling groups: who is protected, who goes, what is refused, and what is suspended.

ministack knows none of SetInstanceProtection, TerminateInstanceInAutoScalingGroup, LaunchInstances, SuspendProcesses and
ResumeProcesses, takes any desired capacity, terminates protected instances, and starts none in a template's group.
"""
from xml.sax.saxutils import escape

from . import found, replaced

# https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
PROCESSES = (
    "AddToLoadBalancer AlarmNotification AZRebalance HealthCheck InstanceRefresh Launch ReplaceUnhealthy ScheduledActions"
    " Terminate"
).split()


def patch():
    from ministack.services import autoscaling
    from ministack.services.cloudformation import provisioners

    for name in ("_p", "_parse_member_list", "_asgs", "_xml", "_error"):
        found(autoscaling, name)
    read, members = autoscaling._p, autoscaling._parse_member_list

    def refused(message):
        return autoscaling._error("ValidationError", escape(message))

    def done(action, inside=""):
        return autoscaling._xml(200, f"{action}Response", f"<{action}Result>{inside}</{action}Result>")

    def of_a_group(action):
        """An action on a group that is there."""

        def answered(params):
            name = read(params, "AutoScalingGroupName")
            group = autoscaling._asgs.get(name)
            if group is None:
                return refused(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
            return action(group, params)

        return answered

    def suspended(group):
        return group.setdefault("SuspendedProcesses", [])

    def unprotected_last_come_first(reconcile):
        def reconciled(group):
            instances = group["Instances"]
            free = [it for it in instances if not it["ProtectedFromScaleIn"] and "Terminate" not in suspended(group)]
            while free and len(instances) > group["DesiredCapacity"]:
                instances.remove(free.pop())
            if len(instances) < group["DesiredCapacity"] and "Launch" not in suspended(group):
                reconcile(group)

        return reconciled

    def within_bounds(_):
        def set_desired(group, params):
            wanted = int(read(params, "DesiredCapacity") or 0)
            if wanted > group["MaxSize"]:
                return refused(f"New SetDesiredCapacity value {wanted} is above max value {group['MaxSize']} for the AutoScalingGroup.")
            if wanted < group["MinSize"]:
                return refused(f"New SetDesiredCapacity value {wanted} is below min value {group['MinSize']} for the AutoScalingGroup.")
            group["DesiredCapacity"] = wanted
            autoscaling._reconcile_instances(group)
            return done("SetDesiredCapacity")

        return of_a_group(set_desired)

    def protect(group, params):
        wanted = members(params, "InstanceIds")
        there = {it["InstanceId"]: it for it in group["Instances"]}
        for key in wanted:
            if key not in there:
                return refused(f"The instance {key} is not part of Auto Scaling group {group['AutoScalingGroupName']}.")
        for key in wanted:
            there[key]["ProtectedFromScaleIn"] = read(params, "ProtectedFromScaleIn") == "true"
        return done("SetInstanceProtection")

    def terminate(params):
        wanted = read(params, "InstanceId")
        for group in list(autoscaling._asgs.values()):
            for instance in group["Instances"]:
                if instance["InstanceId"] == wanted:
                    if read(params, "ShouldDecrementDesiredCapacity") == "true":
                        if group["DesiredCapacity"] <= group["MinSize"]:
                            return refused(
                                f"Currently, desiredSize equals minSize ({group['MinSize']}). Terminating instance without"
                                " replacement will violate group's min size constraint. Either set"
                                " shouldDecrementDesiredCapacity flag to false or lower group's min size."
                            )
                        group["DesiredCapacity"] -= 1
                    group["Instances"].remove(instance)
                    autoscaling._reconcile_instances(group)
                    return done("TerminateInstanceInAutoScalingGroup")
        return refused(f"Instance Id not found - No managed instance found for instance ID: {wanted}")

    def launch(group, params):
        tokens = group.setdefault("LaunchTokens", {})
        token, wanted = read(params, "ClientToken"), int(read(params, "RequestedCapacity") or 0)
        if token not in tokens:
            desired = group["DesiredCapacity"] + wanted
            if desired > group["MaxSize"]:
                return refused(f"Launching {wanted} instances would exceed the max size {group['MaxSize']} of the group.")
            before = {it["InstanceId"] for it in group["Instances"]}
            group["DesiredCapacity"] = desired
            autoscaling._reconcile_instances(group)
            tokens[token] = [it["InstanceId"] for it in group["Instances"] if it["InstanceId"] not in before]
        ids = "".join(f"<member>{key}</member>" for key in tokens[token])
        instances = f"<Instances><member><InstanceIds>{ids}</InstanceIds></member></Instances>"
        return done("LaunchInstances", f"<ClientToken>{escape(token)}</ClientToken>{instances}")

    def suspend(group, params):
        processes = members(params, "ScalingProcesses") or PROCESSES
        group["SuspendedProcesses"] = sorted({*suspended(group), *processes})
        return done("SuspendProcesses")

    def resume(group, params):
        processes = members(params, "ScalingProcesses") or PROCESSES
        group["SuspendedProcesses"] = [it for it in suspended(group) if it not in processes]
        autoscaling._reconcile_instances(group)
        return done("ResumeProcesses")

    def with_what_is_suspended(describe):
        def described(params):
            status, headers, body = describe(params)
            for group in autoscaling._asgs.values():
                arn = f"<AutoScalingGroupARN>{group['AutoScalingGroupARN']}</AutoScalingGroupARN>"
                processes = "".join(
                    f"<member><ProcessName>{it}</ProcessName><SuspensionReason>User suspended</SuspensionReason></member>"
                    for it in suspended(group)
                )
                shown = f"{arn}<SuspendedProcesses>{processes}</SuspendedProcesses>"
                body = body.replace(arn.encode(), shown.encode())
            return status, headers, body

        return described

    def with_its_instances(handle):
        def handled(*args, **kwargs):
            answer = handle(*args, **kwargs)
            autoscaling._reconcile_instances(autoscaling._asgs[answer[0]])
            return answer

        return handled

    replaced(autoscaling, "_reconcile_instances", unprotected_last_come_first)
    actions = found(autoscaling, "_ACTION_MAP")
    replaced(actions, "SetDesiredCapacity", within_bounds)
    replaced(actions, "DescribeAutoScalingGroups", with_what_is_suspended)
    actions |= {
        "SetInstanceProtection": of_a_group(protect),
        "TerminateInstanceInAutoScalingGroup": terminate,
        "LaunchInstances": of_a_group(launch),
        "SuspendProcesses": of_a_group(suspend),
        "ResumeProcesses": of_a_group(resume),
    }
    of_templates = found(provisioners._RESOURCE_HANDLERS, "AWS::AutoScaling::AutoScalingGroup")
    replaced(of_templates, "create", with_its_instances)
    replaced(of_templates, "update", with_its_instances)
