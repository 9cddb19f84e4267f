/** Where the messages of a topic go. The settings have checked it. */
type NotificationTarget = WebhookTarget | SnsTarget | SqsTarget;

export interface WebhookTarget {
  readonly type: 'webhook';
  /** http: or https: */
  readonly url: string;
  /** `whsec_` and base64. The receiver verifies signatures with it. */
  readonly secret: string;
}

/** An SNS-compatible endpoint. The AWS SDK finds credentials as usual (environment, files). */
export interface SnsTarget {
  readonly type: 'sns';
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

/** An SQS-compatible queue. */
export interface SqsTarget {
  readonly type: 'sqs';
  readonly queueUrl: string;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

/** Targets by topic ARN; `*` for all other topics. */
export type NotificationTargets = Readonly<Record<string, NotificationTarget>>;
