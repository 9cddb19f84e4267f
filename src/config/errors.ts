/** Exit codes of the program; docs/operating.md lists them. */
export const EXIT = { failed: 1, wrongSettings: 2, notNow: 3, notFound: 4, damaged: 6 } as const;

/** A setting cannot be used. The message is one line for the user. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

/** What a command names does not exist. The message is one line for the user. */
export class NotFoundError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotFound';
  }
}
