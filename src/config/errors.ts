/** Exit codes of the command, stated in docs/operating.md. */
export const EXIT = { failed: 1, wrongSettings: 2, notNow: 3, notFound: 4, damaged: 6 } as const;

/** A setting that cannot be used. One clear line for the user. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

/** Something that a command was asked about is not there. One clear line for the user. */
export class NotFoundError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotFound';
  }
}
