/** Why a policy document was refused. Parsing throws nothing else, whatever the text. */
export class PolicyError extends Error {
  /** The fault alone, without the statement's name. */
  readonly fault: string;
  /** Sid in quotes, or the 1-based number; undefined if the fault is not in a single statement. */
  readonly statement: string | undefined;

  constructor(fault: string, statement?: string) {
    super(statement === undefined ? fault : `Statement ${statement}: ${fault}`);
    this.name = 'PolicyError';
    this.fault = fault;
    this.statement = statement;
  }
}

/**
 * Runs `work` and adds to its errors which statement they are about.
 * @throws PolicyError naming `statement`, unless a deeper one already named it.
 */
export function inStatement<T>(statement: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof PolicyError && error.statement === undefined) {
      throw new PolicyError(error.fault, statement);
    }
    throw error;
  }
}
