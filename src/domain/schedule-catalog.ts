/** Which work waits for a worker. */
export interface DueWork {
  readonly jobs: boolean;
  readonly messages: boolean;
}

export interface ScheduleReads {
  /** The work that is due at this time. */
  dueWork(nowMs: number): Promise<DueWork>;
  /**
   * When the next thing happens by itself: a job is done, an inventory is taken, and so on; null if nothing will.
   * @param inventoryIntervalMs null where inventories are live.
   */
  nextEventMs(inventoryIntervalMs: number | null): Promise<number | null>;
}
