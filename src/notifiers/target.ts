/** Where the messages of a topic go. Checked by the settings before anything here sees it. */
export type NotificationTarget = WebhookTarget | SnsTarget | SqsTarget;

export interface WebhookTarget {
  readonly type: 'webhook';
  /** http: or https: */
  readonly url: string;
  /** `whsec_` and base64: what the receiver verifies with. */
  readonly secret: string;
}

/** An SNS-compatible endpoint. Credentials are the AWS SDK's usual ones (environment, files). */
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

/** Targets by topic ARN; `*` is for all other topics. */
export type NotificationTargets = Readonly<Record<string, NotificationTarget>>;
