/**
 * The actions of the service prefix `moraine`: operations of Moraine's own, beside the 33. A Deny of what such an operation
 * amounts to denies it as well, because old policies know only the actions of glacier.
 */
import { GLACIER_ACTIONS, type GlacierAction } from './actions.ts';

/** What policies need to know of an extension. */
interface Extension {
  /** Actions of which a Deny denies this one too. */
  readonly amountsTo: readonly (GlacierAction | 'moraine:EmptyVault')[];
  /**
   * The archives that a request is about, whose age conditions may compare. Of a listing, a Deny on a condition of an
   * archive applies as if the condition were met. For `each`, it is decided for each archive by itself, later.
   */
  readonly archives: 'one' | 'listed' | 'each' | 'none';
}

const OF_TASKS: Extension = { amountsTo: [], archives: 'none' };

const EXTENSIONS = {
  'moraine:CancelTask': OF_TASKS,
  'moraine:DeleteVault': {
    amountsTo: ['moraine:EmptyVault', 'DeleteArchive', 'DeleteVault'],
    archives: 'each',
  },
  'moraine:DescribeArchive': { amountsTo: ['InitiateJob'], archives: 'one' },
  'moraine:DescribeTask': OF_TASKS,
  'moraine:EmptyVault': { amountsTo: ['DeleteArchive'], archives: 'each' },
  'moraine:GetArchive': { amountsTo: ['InitiateJob', 'GetJobOutput'], archives: 'one' },
  'moraine:GetTaskReport': OF_TASKS,
  'moraine:ImportArchive': {
    amountsTo: ['UploadArchive', 'InitiateMultipartUpload', 'CompleteMultipartUpload'],
    archives: 'none',
  },
  'moraine:ListArchives': { amountsTo: ['InitiateJob'], archives: 'listed' },
  'moraine:ListTasks': OF_TASKS,
} as const satisfies Readonly<Record<string, Extension>>;

/** Name of an action with `moraine:`, which is also the name of its operation. */
export type ExtensionAction = keyof typeof EXTENSIONS;

const EXTENSION_ACTIONS = Object.keys(EXTENSIONS) as readonly ExtensionAction[];

/** Whether the action is of the prefix `moraine`. */
export function isExtensionAction(action: string): action is ExtensionAction {
  return Object.hasOwn(EXTENSIONS, action);
}

/** What the extension is to policies; undefined for the actions of glacier. */
export function extensionNamed(action: string): Extension | undefined {
  return isExtensionAction(action) ? EXTENSIONS[action] : undefined;
}

/** Name of any action: those of glacier without the prefix, those of moraine with it. */
export type Action = GlacierAction | ExtensionAction;

export const ACTIONS: readonly Action[] = [...GLACIER_ACTIONS, ...EXTENSION_ACTIONS];

/** An action as policies and messages write it: `glacier:ListJobs`, `moraine:ListArchives`. */
export function qualifiedAction(action: Action): string {
  return isExtensionAction(action) ? action : `glacier:${action}`;
}
