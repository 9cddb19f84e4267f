import { StoreFailure } from '../../domain/blob-store.ts';

/** The error as a StoreFailure that says what was tried; one that is a StoreFailure already stays as it is. */
export function toStoreFailure(what: string, error: unknown): StoreFailure {
  return error instanceof StoreFailure ? error : new StoreFailure(what, error);
}

/** For `.catch`: throws every error as `toStoreFailure` makes it. */
export function throwStoreFailure(what: string): (error: unknown) => never {
  return (error) => {
    throw toStoreFailure(what, error);
  };
}
