/** What I/O errors mean. */

/** Whether the named file or folder does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** For `.catch`: returns undefined if the file is missing. @throws every other error. */
export function undefinedIfMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** Whether the disk failed to read what it holds. */
export function isReadError(error: unknown): boolean {
  return codeOf(error) === 'EIO';
}

/** Whether the file system refuses to go past the page cache. */
export function refusesDirect(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EINVAL' || code === 'ENOTSUP' || code === 'EOPNOTSUPP';
}

/** For `.catch` of a step whose failure changes nothing. */
export function ignoreErrors(): void {}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
