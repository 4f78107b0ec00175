// A function of Squall: its binary, its role, its log, and what it is bound to.
import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, type Code, Function, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { pascal, streamsOf, wildcard } from "./names.ts";

/** Actions on resources, and nothing else. */
export interface Grant {
  readonly actions: string[];
  readonly resources: string[];
  readonly conditions?: Record<string, Record<string, string>>;
}

/** What a function is told of a resource, and what it may do with it: always both. */
export interface Binding {
  readonly variables?: Record<string, string>;
  readonly grants: Grant[];
}

/** Where the code of a binary comes from: an asset, or a bucket that a parameter names. */
export type CodeOf = (scope: Construct, binary: string) => Code;

/** How Lambda tries again. */
export interface Unattended {
  /** After errors of the function. */
  readonly retries: 0 | 1 | 2;
  /** How long it waits for concurrency, at most six hours. */
  readonly maxAge: Duration;
}

/** For what must not be lost. */
export const PERSISTENT: Unattended = { retries: 2, maxAge: Duration.hours(6) };
/** For a tick: the next one does the same, and those that pile up would only be in its way. */
export const TICKED: Unattended = { retries: 0, maxAge: Duration.minutes(1) };

export interface SquallFunctionProps {
  /** The binary in `target/lambda`, when it is not called like the function. */
  readonly binary?: string;
  /** The function's name, behind the deployment's prefix. */
  readonly name: string;
  readonly prefix: string;
  readonly description: string;
  readonly code: CodeOf;
  readonly architecture: "arm64" | "x86_64";
  readonly memoryMb: number;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number | undefined;
  readonly logDays: RetentionDays;
  /** How it is tried again when it is invoked with nobody waiting; what is given up goes to a queue of dead letters. */
  readonly unattended?: Unattended;
}

/** A function whose role may do exactly what it is bound to. */
export class SquallFunction extends Construct {
  readonly binary: string;
  readonly name: string;
  readonly function: Function;
  readonly role: Role;
  /** What was given up: by the function, or on the way to it. */
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
        reason: "X-Ray's two writes know no resource; where others stand beside them, the grant says why.",
      },
      streamsOf(logGroup, Stack.of(this)),
    );
  }

  /** Tells the function of resources and lets it use them. */
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

  /** Says why the role has a wildcard. */
  acknowledge(resource: string, reason: string): this {
    Validations.of(this.role).acknowledge(wildcard(resource, Stack.of(this), reason));
    return this;
  }
}

/** Has a function invoked every minute. */
export function everyMinute(scope: Construct, id: string, it: SquallFunction, description: string): void {
  const [retryAttempts, maxEventAge] = [TICKED.retries, TICKED.maxAge];
  new Rule(scope, id, {
    description,
    schedule: Schedule.rate(Duration.minutes(1)),
    targets: [new LambdaFunction(it.function, { deadLetterQueue: it.deadLetters, retryAttempts, maxEventAge })],
  });
}

/** A queue for what was given up: encrypted, two weeks. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    removalPolicy: RemovalPolicy.DESTROY,
  });
  Validations.of(queue).acknowledge({ id: "AwsSolutions-SQS3", reason: "It is itself the queue of dead letters." });
  return queue;
}
