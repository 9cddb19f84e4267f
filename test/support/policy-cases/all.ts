/**
 * Authorization cases, with the results that IAM and the Glacier guide document. Expectations are written out, not
 * computed. The table joins one file for each theme.
 */
import { ACCOUNT_CASES } from './accounts.ts';
import { ACTION_CASES } from './actions.ts';
import type { Case } from './cast.ts';
import { CONDITION_CASES } from './conditions.ts';
import { EVALUATION_CASES } from './evaluation.ts';
import { EXAMPLE_CASES } from './examples.ts';
import { LOCK_CASES } from './locks.ts';
import { PATTERN_CASES } from './patterns.ts';
import { PRINCIPAL_CASES } from './principals.ts';
import { VARIABLE_CASES } from './variables.ts';

export const CASES: readonly Case[] = [
  ...ACTION_CASES,
  ...EVALUATION_CASES,
  ...ACCOUNT_CASES,
  ...PRINCIPAL_CASES,
  ...PATTERN_CASES,
  ...VARIABLE_CASES,
  ...CONDITION_CASES,
  ...EXAMPLE_CASES,
  ...LOCK_CASES,
];
