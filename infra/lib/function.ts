// A function of Squall: its binary, role, log and bindings.
import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, type Code, Function, type ILayerVersion, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { pascal, streamsOf, wildcard } from "./names.ts";

/** Actions allowed on resources. */
export interface Grant {
  readonly actions: string[];
  readonly resources: string[];
  readonly conditions?: Record<string, Record<string, string | string[]>>;
}

/** The variables that name a resource to a function, together with what the function may do with it. */
export interface Binding {
  readonly variables?: Record<string, string>;
  readonly grants: Grant[];
}

/** The code of a binary: an asset, or an object in a bucket that a parameter names. */
export type CodeOf = (scope: Construct, binary: string) => Code;

/** Lambda's retries of asynchronous invocations. */
export interface Unattended {
  /** Number of retries after an error of the function. */
  readonly retries: 0 | 1 | 2;
  /** How long Lambda waits for concurrency, at most six hours. */
  readonly maxAge: Duration;
}

/** For events that must not be lost. */
export const PERSISTENT: Unattended = { retries: 2, maxAge: Duration.hours(6) };
/** For a tick: the next one does the same work, and a backlog would only delay it. */
export const TICKED: Unattended = { retries: 0, maxAge: Duration.minutes(1) };

export interface SquallFunctionProps {
  /** The binary in `target/lambda`, if its name is not the function's. */
  readonly binary?: string;
  /** The function's name, after the deployment's prefix. */
  readonly name: string;
  readonly prefix: string;
  readonly description: string;
  readonly code: CodeOf;
  readonly architecture: "arm64" | "x86_64";
  readonly memoryMb: number;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number | undefined;
  readonly logDays: RetentionDays;
  /** Files that it finds in /opt. */
  readonly layers?: ILayerVersion[];
  /** Retries, if the function is invoked asynchronously; events that are given up go to a dead-letter queue. */
  readonly unattended?: Unattended;
}

/** A function whose role allows exactly what its bindings grant. */
export class SquallFunction extends Construct {
  readonly binary: string;
  readonly name: string;
  readonly function: Function;
  readonly role: Role;
  /** Events that were given up, by the function or on the way to it. */
  readonly deadLetters: Queue | undefined;

  constructor(scope: Construct, props: SquallFunctionProps) {
    super(scope, pascal(props.name));
    this.binary = props.binary ?? props.name;
    this.name = props.name;
    const functionName = `${props.prefix}-${props.name}`;
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: props.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `What ${functionName} may do`,
    });
    if (props.unattended !== undefined) {
      this.deadLetters = deadLetterQueue(this, "DeadLetters");
    }
    const queueArn = this.deadLetters?.queueArn;
    this.function = new Function(this, "Function", {
      functionName,
      description: props.description,
      runtime: Runtime.PROVIDED_AL2023,
      handler: "bootstrap",
      code: props.code(this, this.binary),
      architecture: props.architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: props.memoryMb,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.reservedConcurrency,
      role: this.role,
      logGroup,
      ...(props.layers && { layers: props.layers }),
      tracing: Tracing.ACTIVE,
      ...(this.deadLetters && {
        onFailure: { bind: () => ({ destination: queueArn ?? "" }) },
        retryAttempts: props.unattended?.retries,
        maxEventAge: props.unattended?.maxAge,
      }),
    });
    this.bind({
      grants: [
        { actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [logGroup.logGroupArn] },
        ...(queueArn === undefined ? [] : [{ actions: ["sqs:SendMessage"], resources: [queueArn] }]),
      ],
    });
    Validations.of(this.role).acknowledge(
      {
        id: "AwsSolutions-IAM5[Resource::*]",
        reason: "X-Ray's two write actions do not support resource-level permissions; other grants give their own reason.",
      },
      streamsOf(logGroup, Stack.of(this)),
    );
  }

  /** Names resources to the function and lets it use them. */
  bind(...bindings: Binding[]): this {
    for (const { variables, grants } of bindings) {
      for (const [name, value] of Object.entries(variables ?? {})) {
        this.function.addEnvironment(name, value);
      }
      for (const { actions, resources, conditions } of grants) {
        const condition = conditions === undefined ? {} : { conditions };
        this.role.addToPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions, resources, ...condition }));
      }
    }
    return this;
  }

  /** Records why the role has a wildcard. */
  acknowledge(resource: string, reason: string): this {
    Validations.of(this.role).acknowledge(wildcard(resource, Stack.of(this), reason));
    return this;
  }
}

/** Invokes a function every minute. */
export function everyMinute(scope: Construct, id: string, it: SquallFunction, description: string): void {
  const [retryAttempts, maxEventAge] = [TICKED.retries, TICKED.maxAge];
  new Rule(scope, id, {
    description,
    schedule: Schedule.rate(Duration.minutes(1)),
    targets: [new LambdaFunction(it.function, { deadLetterQueue: it.deadLetters, retryAttempts, maxEventAge })],
  });
}

/** A dead-letter queue: encrypted, with a retention of two weeks. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    removalPolicy: RemovalPolicy.DESTROY,
  });
  Validations.of(queue).acknowledge({ id: "AwsSolutions-SQS3", reason: "This is itself a dead-letter queue." });
  return queue;
}
