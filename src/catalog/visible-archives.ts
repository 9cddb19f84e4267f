import { sql } from 'kysely';

/**
 * Whether an archive of the table `archives` is there for readers: not if a task has deleted it, whose row remains until
 * a worker drops it. Every read of archives for clients has this condition.
 */
export const isVisible = sql<boolean>`not exists (
  select 1 from tasks h where h.hiding_vault_no = archives.vault_no and archives.no <= h.last_no
  and not exists (select 1 from task_archives k where k.task_no = h.no and k.no = archives.no))`;

/** The same at an earlier moment: an archive that a task deleted later was still there. */
export function wasVisible(asOfMs: number) {
  return sql<boolean>`not exists (
    select 1 from tasks h where h.hiding_vault_no = archives.vault_no and archives.no <= h.last_no
    and h.marked_ms <= ${asOfMs}
    and not exists (select 1 from task_archives k where k.task_no = h.no and k.no = archives.no))`;
}
