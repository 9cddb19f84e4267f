import type { FuzzTarget } from '../target.ts';
import { jsonBody, policies, wildcards } from './bodies.ts';
import { authorization, fields, requestTarget } from './request.ts';
import { blobForm, packHeader, packRemovals, packTable, storeNames } from './store.ts';
import { auditLog, journalLine, stampedText, tokens } from './texts.ts';
import { headerValues, markers, settings } from './values.ts';

/** All targets. Each has its own file of kept inputs. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...[requestTarget, authorization, fields, headerValues, markers, settings, jsonBody, policies, wildcards],
  ...[blobForm, packHeader, packTable, packRemovals, storeNames, journalLine, stampedText, auditLog, tokens],
];
